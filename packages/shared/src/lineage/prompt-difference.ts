import type { PlanSummary } from '../contracts/request.ts';

/** One setting that differs between two plans; absent where a plan does not have it. */
export interface SettingDifference {
  setting:
    | 'recipe'
    | 'model'
    | 'negative'
    | 'size'
    | 'steps'
    | 'cfg'
    | 'sampler'
    | 'scheduler'
    | 'strength'
    | 'seed'
    | 'loras';
  before?: string;
  after?: string;
}

/** How a plan differs from the one that it was made from. */
export interface PlanDifference {
  /** The words of both prompts in order: kept, taken out, put in. Empty where the prompts are equal. */
  prompt: { kind: 'same' | 'removed' | 'added'; text: string }[];
  settings: SettingDifference[];
}

/** Longer prompts are compared as a whole: the time grows with the product of their words. */
const MAX_WORDS = 1_000;

type ComparedPlan = Pick<PlanSummary, 'recipe' | 'prompt' | 'seed'> & Partial<PlanSummary>;

/** What changed from one plan to the next: the prompt word by word, and the settings. */
export function promptDifference(parent: ComparedPlan, plan: ComparedPlan): PlanDifference {
  const settings: SettingDifference[] = [];
  const before = settingsOf(parent);
  const after = settingsOf(plan);
  for (const [setting, value] of after) {
    const old = before.get(setting);
    if (old === value) continue;
    settings.push({
      setting,
      ...(old === undefined ? {} : { before: old }),
      ...(value === undefined ? {} : { after: value }),
    });
  }
  return { prompt: parent.prompt === plan.prompt ? [] : wordDifference(parent.prompt, plan.prompt), settings };
}

function settingsOf(plan: ComparedPlan): Map<SettingDifference['setting'], string | undefined> {
  const { width, height } = plan;
  const shown = (value: number | undefined): string | undefined => (value === undefined ? undefined : String(value));
  return new Map<SettingDifference['setting'], string | undefined>([
    ['recipe', plan.recipe],
    ['model', plan.model],
    ['negative', plan.negative],
    ['size', width === undefined || height === undefined ? undefined : `${width} × ${height}`],
    ['steps', shown(plan.steps)],
    ['cfg', shown(plan.cfg)],
    ['sampler', plan.sampler],
    ['scheduler', plan.scheduler],
    ['strength', shown(plan.strength)],
    ['seed', plan.seed],
    ['loras', plan.loras?.map(({ name, strength }) => `${name} ${strength}`).join(', ')],
  ]);
}

/** Words with the spaces behind them; each Chinese character is a word. */
function wordsOf(text: string): string[] {
  return text.match(/\p{Script=Han}\s*|[^\s\p{Script=Han}]+\s*|\s+/gu) ?? [];
}

function wordDifference(before: string, after: string): PlanDifference['prompt'] {
  const a = wordsOf(before);
  const b = wordsOf(after);
  if (a.length > MAX_WORDS || b.length > MAX_WORDS) {
    return [
      { kind: 'removed', text: before },
      { kind: 'added', text: after },
    ];
  }
  // The longest common subsequence, from the end: common[i][j] is that of a from i and b from j.
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0;
  const same = (i: number, j: number): boolean => a[i]?.trim() === b[j]?.trim();
  for (let i = a.length - 1; i >= 0; i -= 1) {
    const row = common[i];
    if (row === undefined) continue;
    for (let j = b.length - 1; j >= 0; j -= 1) {
      row[j] = same(i, j) ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const parts: PlanDifference['prompt'] = [];
  const push = (kind: 'same' | 'removed' | 'added', text: string): void => {
    const last = parts.at(-1);
    if (last?.kind === kind) last.text += text;
    else parts.push({ kind, text });
  };
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && same(i, j)) {
      push('same', b[j] ?? '');
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) push('removed', a[i++] ?? '');
    else push('added', b[j++] ?? '');
  }
  return parts;
}

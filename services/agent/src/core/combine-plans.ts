import type { PlanSummary } from '@atelier/shared/contracts/request';
import { shorten } from '@atelier/shared/text/shorten';
import type { PlanOutcome } from './planning-parts.ts';

type Planned = Extract<PlanOutcome, { kind: 'planned' }>;

/** Longest prompt of several that a card shows. */
const MAX_SHOWN = 1_000;

/** Several plans as one request: the jobs of all, the settings of the first, notes said once. */
export function combinePlans(parts: readonly [Planned, ...Planned[]], prompts: readonly string[]): Planned {
  const [first] = parts;
  if (parts.length === 1) return first;
  const notes = new Map<string, PlanSummary['notes'][number]>();
  for (const { plan } of parts) for (const note of plan.notes) if (!notes.has(note.en)) notes.set(note.en, note);
  const joined = prompts.map((prompt, index) => `${index + 1}. ${prompt}`).join('\n');
  return {
    kind: 'planned',
    jobs: parts.flatMap(({ jobs }) => jobs),
    plan: {
      ...first.plan,
      prompt: shorten(joined, MAX_SHOWN),
      count: parts.reduce((sum, { plan }) => sum + plan.count, 0),
      notes: [...notes.values()],
    },
  };
}

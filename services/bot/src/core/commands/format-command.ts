import type { ImagineOptions, PlanSummary, RequestBody } from '@atelier/shared/contracts/request';
import type { Language } from '@atelier/shared/contracts/identity';

const names: Record<Language, Record<string, string>> = {
  en: {
    command: '/imagine',
    aspect: 'ar',
    size: 'size',
    count: 'n',
    seed: 'seed',
    negative: 'no',
    steps: 'steps',
    cfg: 'cfg',
    sampler: 'sampler',
    scheduler: 'scheduler',
    strength: 'strength',
    model: 'model',
    style: 'style',
    recipe: 'recipe',
    lora: 'lora',
  },
  zh: {
    command: '/画图',
    aspect: '比例',
    size: '尺寸',
    count: '数量',
    seed: '种子',
    negative: '不要',
    steps: '步数',
    cfg: 'cfg',
    sampler: '采样器',
    scheduler: '调度器',
    strength: '强度',
    model: '模型',
    style: '风格',
    recipe: '配方',
    lora: 'lora',
  },
};

type Shown = Partial<Omit<ImagineOptions, 'prompt' | 'images' | 'mask'>>;

/** Options as people type them: `--ar 3:4 --n 2`. What cannot be typed, such as attached pictures, is left out. */
export function formatOptions(options: Shown, language: Language): string {
  const m = names[language];
  const { width, height, negative } = options;
  const parts = [
    option(m['aspect'], options.aspect),
    width === undefined || height === undefined ? '' : option(m['size'], `${width}x${height}`),
    option(m['count'], options.count),
    option(m['seed'], options.seed),
    option(m['steps'], options.steps),
    option(m['cfg'], options.cfg),
    option(m['sampler'], options.sampler),
    option(m['scheduler'], options.scheduler),
    option(m['strength'], options.strength),
    option(m['model'], options.model),
    option(m['style'], options.style),
    option(m['recipe'], options.recipe),
    ...(options.loras ?? []).map((lora) => option(m['lora'], `${lora.name}:${lora.strength}`)),
    // Last, because it goes on to the next option.
    option(m['negative'], negative === '' ? undefined : negative),
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function option(name: string | undefined, value: string | number | undefined): string {
  return name === undefined || value === undefined ? '' : `--${name} ${value}`;
}

/** What a plan says of the settings, as options that ask for the same. */
export function optionsOfPlan(plan: PlanSummary): Shown {
  return {
    ...(plan.width === undefined || plan.height === undefined ? {} : { width: plan.width, height: plan.height }),
    count: Math.min(plan.count, 8),
    ...(/^\d{1,20}$/.test(plan.seed) ? { seed: plan.seed } : {}),
    ...(plan.steps === undefined ? {} : { steps: plan.steps }),
    ...(plan.cfg === undefined ? {} : { cfg: plan.cfg }),
    ...(plan.model === undefined ? {} : { model: plan.model }),
    recipe: plan.recipe,
    ...(plan.negative === undefined || plan.negative === '' ? {} : { negative: plan.negative }),
  };
}

/** The command that asks for the same as a request did: as it was planned, where it was. */
export function formatCommand(body: RequestBody, plan: PlanSummary | null, language: Language): string {
  const command = names[language]['command'] ?? '/imagine';
  if (plan !== null && plan.prompt !== '') {
    return `${command} ${plan.prompt} ${formatOptions(optionsOfPlan(plan), language)}`.trim();
  }
  if (body.kind === 'imagine')
    return `${command} ${body.options.prompt} ${formatOptions(body.options, language)}`.trim();
  if (body.kind === 'words') return `${body.text} ${formatOptions(body.options ?? {}, language)}`.trim();
  return command;
}

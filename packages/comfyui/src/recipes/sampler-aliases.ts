/** Schedulers that people write behind a sampler's name, longest first. */
const SCHEDULER_WORDS: readonly (readonly [string, string])[] = [
  ['sgm uniform', 'sgm_uniform'],
  ['ddim uniform', 'ddim_uniform'],
  ['kl optimal', 'kl_optimal'],
  ['linear quadratic', 'linear_quadratic'],
  ['exponential', 'exponential'],
  ['karras', 'karras'],
  ['simple', 'simple'],
  ['normal', 'normal'],
  ['beta', 'beta'],
  ['uniform', 'sgm_uniform'],
];

/** Sampler names of other programs, after normalisation. */
const SAMPLER_ALIASES: ReadonlyMap<string, string> = new Map([
  ['euler a', 'euler_ancestral'],
  ['k euler', 'euler'],
  ['k euler a', 'euler_ancestral'],
  ['dpm2', 'dpm_2'],
  ['dpm2 a', 'dpm_2_ancestral'],
  ['dpm++ 2m', 'dpmpp_2m'],
  ['dpm++ 2m sde', 'dpmpp_2m_sde'],
  ['dpm++ 2m sde heun', 'dpmpp_2m_sde_heun'],
  ['dpm++ 2s a', 'dpmpp_2s_ancestral'],
  ['dpm++ 3m sde', 'dpmpp_3m_sde'],
  ['dpm++ sde', 'dpmpp_sde'],
  ['dpm fast', 'dpm_fast'],
  ['dpm adaptive', 'dpm_adaptive'],
  ['unipc', 'uni_pc'],
  ['plms', 'ipndm'],
  ['restart', 'res_multistep'],
]);

function normalise(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replaceAll(/\bdpmpp\b|\bdpm ?\+\+|\bdpm ?pp\b/g, 'dpm++')
    .replaceAll(/[\s_-]+/g, ' ')
    .replaceAll(/dpm\+\+ ?/g, 'dpm++ ')
    .trim();
}

function lookUp(name: string, samplers: readonly string[]): string | undefined {
  const direct = samplers.find((sampler) => normalise(sampler) === name);
  if (direct !== undefined) return direct;
  const alias = SAMPLER_ALIASES.get(name) ?? SAMPLER_ALIASES.get(name.replace(/ ancestral$/, ' a'));
  return alias !== undefined && samplers.includes(alias) ? alias : undefined;
}

/**
 * Understands a sampler as people write it: ComfyUI's own name in any case, names of other programs (`Euler a`,
 * `DPM++ 2M Karras`), and a scheduler behind it.
 *
 * @param samplers what the server offers.
 * @returns undefined when it means none of them.
 */
export function understandSampler(
  text: string,
  samplers: readonly string[],
): { sampler: string; scheduler?: string } | undefined {
  const name = normalise(text);
  const whole = lookUp(name, samplers);
  if (whole !== undefined) return { sampler: whole };
  for (const [words, scheduler] of SCHEDULER_WORDS) {
    if (!name.endsWith(` ${words}`)) continue;
    const sampler = lookUp(name.slice(0, -words.length - 1), samplers);
    if (sampler !== undefined) return { sampler, scheduler };
  }
  return undefined;
}

/** Understands a scheduler as people write it; undefined when the server offers none such. */
export function understandScheduler(text: string, schedulers: readonly string[]): string | undefined {
  const name = normalise(text);
  const direct = schedulers.find((scheduler) => normalise(scheduler) === name);
  if (direct !== undefined) return direct;
  const meant = SCHEDULER_WORDS.find(([words]) => words === name)?.[1];
  return meant !== undefined && schedulers.includes(meant) ? meant : undefined;
}

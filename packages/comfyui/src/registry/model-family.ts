/** Families by parts of lower-case file names; the first that occurs decides, so special names stand before general ones. */
const FAMILY_NAMES: readonly (readonly [string, RegExp])[] = [
  ['flux2', /flux[._-]?2|klein/],
  ['flux', /flux|kontext|chroma(?!.*radiance)/],
  ['qwen-image', /qwen[._-]?image/],
  ['z-image', /z[._-]?image/],
  ['wan', /wan[._-]?(2|video|1)|wan_?i2v|wan_?t2v/],
  ['ltx', /ltx/],
  ['hunyuan', /hunyuan/],
  ['sd3', /sd[._-]?3|stable[._-]?diffusion[._-]?3/],
  ['pony', /pony/],
  ['illustrious', /illustrious|noobai|(^|[^a-z])il(xl)?[._-]/],
  ['sdxl', /sd[._-]?xl|stable[._-]?diffusion[._-]?xl|(?<!x)xl([^a-z]|$)|xl[._-]?(base|turbo|lightning|v\d)/],
  ['sd2', /v2-[01]|sd[._-]?2[._-]?[01]|(^|[^\d])2[._]1[._-]?(base|768)/],
  ['sd15', /v1[._-]?[45]|sd[._-]?1[._-]?[45]|sd[._-]?v?15|1[._]5|dreamshaper[._-]?8/],
];

/**
 * Guesses a model's family from its file name (its folder counts too).
 *
 * @returns `sd15`, `sd2`, `sdxl`, `pony`, `illustrious`, `sd3`, `flux`, `flux2`, `qwen-image`, `z-image`, `wan`, `ltx`,
 * `hunyuan`, or `unknown`.
 */
export function guessModelFamily(fileName: string): string {
  const name = fileName.toLowerCase();
  return FAMILY_NAMES.find(([, pattern]) => pattern.test(name))?.[0] ?? 'unknown';
}

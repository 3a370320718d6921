/**
 * How long things take on the simulated GPU, in milliseconds at speed 1. The figures are those of a mid-range card, rounded:
 * enough to make queues, swaps and progress look real.
 */
export interface ServiceProfile {
  /** One sampling step for one megapixel and one picture, by family. */
  stepMs: Readonly<Record<ModelFamily, number>>;
  /** Reading a checkpoint or diffusion model from disk for the first time. */
  loadMs: Readonly<Record<ModelFamily, number>>;
  /** Moving a model onto the GPU in another's place. */
  swapMs: Readonly<Record<ModelFamily, number>>;
  /** Any other model file, at first use. */
  smallLoadMs: number;
  /** One run of a class, whatever it works on. */
  nodeMs: Readonly<Record<string, number>>;
  defaultNodeMs: number;
  /** In addition, for each megapixel of each picture that the class makes. */
  pixelMs: Readonly<Record<string, number>>;
}

export const modelFamilies = ['sd15', 'sdxl', 'sd3', 'flux', 'qwen', 'video', 'other'] as const;

export type ModelFamily = (typeof modelFamilies)[number];

export const defaultProfile: ServiceProfile = {
  stepMs: { sd15: 70, sdxl: 130, sd3: 180, flux: 260, qwen: 300, video: 90, other: 100 },
  loadMs: { sd15: 900, sdxl: 2_200, sd3: 3_000, flux: 4_000, qwen: 4_500, video: 4_000, other: 800 },
  swapMs: { sd15: 500, sdxl: 1_200, sd3: 1_600, flux: 2_200, qwen: 2_400, video: 2_200, other: 400 },
  smallLoadMs: 120,
  nodeMs: {
    CLIPTextEncode: 30,
    CLIPTextEncodeFlux: 40,
    CLIPTextEncodeSDXL: 40,
    TextEncodeQwenImageEdit: 250,
    TextEncodeQwenImageEditPlus: 250,
  },
  defaultNodeMs: 1,
  pixelMs: {
    VAEDecode: 120,
    VAEDecodeTiled: 180,
    VAEEncode: 90,
    VAEEncodeForInpaint: 90,
    ImageUpscaleWithModel: 60,
    SaveImage: 25,
  },
};

const familyPatterns: readonly (readonly [RegExp, ModelFamily])[] = [
  [/wan|ltx|hunyuan|svd|cosmos|mochi/i, 'video'],
  [/flux|flow|kontext|chroma|z_image/i, 'flux'],
  [/qwen/i, 'qwen'],
  [/sd3|sd_3|sd3\.5/i, 'sd3'],
  [/xl|pony|illustrious/i, 'sdxl'],
  [/v1-5|sd15|sd1|dreamshaper|1\.5|anything/i, 'sd15'],
];

/** The family whose times a model file takes, guessed from its name. */
export function familyOf(modelName: string): ModelFamily {
  return familyPatterns.find(([pattern]) => pattern.test(modelName))?.[1] ?? 'other';
}

import { type ImagineOptions, MAX_COUNT, operationSchema, seedSchema } from '@atelier/shared/contracts/request';
import { invalidInput } from '@atelier/shared/errors/app-error';
import { checkText } from './validate-prompt.ts';

/** Options that may stand beside words. */
export type ChosenOptions = Omit<ImagineOptions, 'prompt' | 'images' | 'mask'>;

const maxSeed = 2n ** 64n - 1n;
const namedAspects: Record<string, string> = {
  square: '1:1',
  portrait: '3:4',
  landscape: '4:3',
  wide: '16:9',
  tall: '9:16',
  方: '1:1',
  方图: '1:1',
  竖: '3:4',
  竖图: '3:4',
  竖版: '3:4',
  横: '4:3',
  横图: '4:3',
  横版: '4:3',
};
/** Wider or taller than this no model draws anything sensible. */
const maxRatio = 4;

/** How one option reads its value; `value` has half-width digits and punctuation. */
export type ReadOption = (value: string) => Partial<ChosenOptions>;

export const readAspect: ReadOption = (value) => {
  const named = namedAspects[value.toLowerCase()];
  const match = /^(\d{1,2})\s*[:x×/]\s*(\d{1,2})$/i.exec(named ?? value);
  const width = Number(match?.[1] ?? 0);
  const height = Number(match?.[2] ?? 0);
  if (width === 0 || height === 0 || Math.max(width / height, height / width) > maxRatio) {
    throw invalidInput(
      'The aspect is width to height, at most 4 to 1, for example: --ar 3:4',
      '画面比例是宽比高，最大 4:1，例如：--ar 3:4',
    );
  }
  return { aspect: `${width}:${height}` };
};

export const readSize: ReadOption = (value) => {
  const match = /^(\d{1,5})\s*[x×*]\s*(\d{1,5})$/i.exec(value);
  const width = Number(match?.[1] ?? 0);
  const height = Number(match?.[2] ?? 0);
  const possible = [width, height].every((side) => side >= 64 && side <= 4_096);
  if (!possible || Math.max(width / height, height / width) > maxRatio) {
    throw invalidInput(
      'The size is width x height in pixels, 64 to 4096 each and at most 4 to 1, for example: --size 768x1024',
      '尺寸是宽x高（像素），每边 64 到 4096，比例最大 4:1，例如：--size 768x1024',
    );
  }
  return { width, height };
};

export const readCount: ReadOption = (value) => {
  const count = /^\d{1,6}$/.test(value) ? Number(value) : 0;
  if (count < 1 || count > MAX_COUNT) {
    throw invalidInput(
      `Ask for 1 to ${MAX_COUNT} pictures, for example: --n 4`,
      `图片数量为 1 到 ${MAX_COUNT} 张，例如：--n 4`,
    );
  }
  return { count };
};

export const readSeed: ReadOption = (value) => {
  const seed = value.toLowerCase() === 'random' || value === '随机' ? '-1' : value;
  if (!seedSchema.safeParse(seed).success || BigInt(seed) > maxSeed) {
    throw invalidInput(
      `The seed is a whole number from 0 to ${maxSeed}, for example: --seed 7`,
      `种子是 0 到 ${maxSeed} 的整数，例如：--seed 7`,
    );
  }
  return { seed: BigInt(seed).toString() };
};

export const readNegative: ReadOption = (value) => {
  if (value === '') {
    throw invalidInput(
      'After --no say what must not be in the picture, for example: --no text, watermark',
      '--no 后面写不想出现的内容，例如：--no 文字, 水印',
    );
  }
  checkText(value);
  return { negative: value };
};

export const readSteps: ReadOption = (value) => ({ steps: readNumber(value, 'steps', 1, 200, 20, true) });
export const readCfg: ReadOption = (value) => ({ cfg: readNumber(value, 'cfg', 0, 50, 7, false) });
export const readStrength: ReadOption = (value) => ({ strength: readNumber(value, 'strength', 0, 1, 0.6, false) });

export const readModel: ReadOption = (value) => ({ model: readName(value, 'model', 200, 'sd_xl_base_1.0') });
export const readStyle: ReadOption = (value) => ({ style: readName(value, 'style', 100, 'photo') });
export const readSampler: ReadOption = (value) => ({ sampler: readName(value, 'sampler', 100, 'euler') });
export const readScheduler: ReadOption = (value) => ({ scheduler: readName(value, 'scheduler', 100, 'karras') });
export const readDuration: ReadOption = (value) => ({
  durationSeconds: readNumber(value, 'duration', 0.5, 30, 4, false),
});

/** `name` or `name:0.8`; several between commas. */
export const readLora: ReadOption = (value) => {
  const loras = value
    .split(/[,，]/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [, name = part, strength] = /^(.+?)[:：](-?\d(?:\.\d{1,3})?)$/u.exec(part) ?? [];
      return { name: name.trim(), strength: Number(strength ?? 1) };
    });
  const possible = loras.every(({ name, strength }) => name !== '' && name.length <= 200 && Math.abs(strength) <= 4);
  if (loras.length === 0 || loras.length > 8 || !possible) {
    throw invalidInput(
      '--lora takes up to 8 names with their strength from -4 to 4, for example: --lora detail:0.8',
      '--lora 的值最多 8 个名称，可带 -4 到 4 的强度，例如：--lora detail:0.8',
    );
  }
  for (const { name } of loras) checkText(name);
  return { loras };
};

/** Set by commands, not typed by people. */
export const readOperation: ReadOption = (value) => {
  const operation = operationSchema.safeParse(value);
  if (!operation.success) {
    throw invalidInput(
      'There is no such operation: use /edit, /upscale or /animate.',
      '没有这种操作：请使用 /修改、/放大 或 /动画。',
    );
  }
  return { operation: operation.data };
};

export const readRecipe: ReadOption = (value) => ({ recipe: readName(value, 'recipe', 100, 'text-to-image-sdxl') });

function readNumber(value: string, name: string, min: number, max: number, example: number, whole: boolean): number {
  const number = /^\d{1,6}(\.\d{1,6})?$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= min && number <= max) || (whole && !Number.isInteger(number))) {
    throw invalidInput(
      `--${name} takes a ${whole ? 'whole ' : ''}number from ${min} to ${max}, for example: --${name} ${example}`,
      `--${name} 的值为 ${min} 到 ${max} 的${whole ? '整数' : '数字'}，例如：--${name} ${example}`,
    );
  }
  return number;
}

function readName(value: string, name: string, maxLength: number, example: string): string {
  if (value === '' || value.length > maxLength) {
    throw invalidInput(
      `--${name} takes a name of at most ${maxLength} characters, for example: --${name} ${example}`,
      `--${name} 的值是不超过 ${maxLength} 个字符的名称，例如：--${name} ${example}`,
    );
  }
  checkText(value);
  return value;
}

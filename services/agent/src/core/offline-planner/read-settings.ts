import { nearestNames } from '@atelier/comfyui/notation/nearest-names';
import { take, takeSegments, type Reading } from './reading.ts';

const IS = String.raw`\s*(?:[:：=#]|is|of|to|为|是|用|设为|设成|=)?\s*`;

function readSeed(reading: Reading): void {
  const pattern = new RegExp(
    String.raw`(?:--|\b(?:with|using|and|use)\s+)?(?:(?:the\s+)?(?:random\s+)?\bseed(?:\s+number)?|(?:随机)?种子(?:值|数|号)?)${IS}(-1|\d{1,40})(?!\d)`,
    'gi',
  );
  take(reading, pattern, ([seed = '']) => {
    reading.wish.seed ??= seed;
    return true;
  });
  take(reading, /(?:\b(?:with|using|and)\s+)?(?:\b(?:a\s+)?random\s+seed\b|随机种子)/gi, () => true);
}

function readSteps(reading: Reading): void {
  take(
    reading,
    new RegExp(String.raw`(?:--steps|\bsteps\s*[:=]|\bsteps(?=\s+\d)|(?:采样|迭代)?步数)${IS}(\d{1,6})(?![\d.])`, 'gi'),
    ([steps = '']) => setSteps(reading, steps),
  );
  take(
    reading,
    /\b(?:at|using|in)\s+(\d{1,4})\s+(?:sampling\s+|denoising\s+)?steps\b(?!\s+(?:of|up|to|lead))/gi,
    ([steps = '']) => setSteps(reading, steps),
  );
  take(reading, /(?:采样|迭代|跑)\s*(\d{1,4})\s*步/g, ([steps = '']) => setSteps(reading, steps));
  takeSegments(reading, (segment) => {
    const match = /^(\d{1,4})\s*(?:(?:sampling\s+)?steps|步)$/i.exec(segment);
    return match?.[1] === undefined ? false : setSteps(reading, match[1]);
  });
}

function setSteps(reading: Reading, steps: string): boolean {
  reading.wish.steps ??= Number(steps);
  return true;
}

function readGuidance(reading: Reading): void {
  const pattern = new RegExp(
    String.raw`(?:--cfg|\bcfg(?:\s*scale)?|\bguidance(?:\s*scale)?|提示词(?:权重|相关性|引导)|引导(?:系数|强度))${IS}(\d{1,3}(?:\.\d{1,3})?)(?![\d.]*\d)`,
    'gi',
  );
  take(reading, pattern, ([cfg = '']) => {
    reading.wish.cfg ??= Number(cfg);
    return true;
  });
}

function readStrength(reading: Reading): void {
  const pattern = new RegExp(
    String.raw`(?:--strength|\b(?:denoise|denoising(?:\s+strength)?|strength)|重绘(?:幅度|强度)|降噪(?:强度)?)${IS}(\d{1,3}\s*[%％]|[01](?:\.\d{1,3})?|\.\d{1,3})(?![\d.]*\d)`,
    'gi',
  );
  take(reading, pattern, ([value = '']) => {
    const number = Number(value.replaceAll(/[\s%％]/g, ''));
    reading.wish.strength ??= /[%％]/.test(value) ? number / 100 : number;
    return true;
  });
}

function readSampler(reading: Reading): void {
  take(
    reading,
    /(?:--sampler|\bsampler|采样器|采样方法)\s*[:：=为是用]?\s*([a-z][\w+]*(?:[ _-](?:a|ancestral|2m|sde|karras|cfg_pp)\b)*)/gi,
    ([name = '']) => {
      reading.wish.sampler ??= name;
      return true;
    },
  );
}

/** `model: x` names a model whatever it is; "using x" only where x is known here. */
function readNames(reading: Reading): void {
  take(
    reading,
    /(?:--model|\bmodel\s*[:=]|模型\s*[:：=])\s*["“']?([^\s"”',，。;；\uE000]{1,200})["”']?/gi,
    ([name = '']) => {
      setName(reading, name, true);
      return true;
    },
  );
  take(
    reading,
    /(?:--recipe|\brecipe\s*[:=]|(?:配方|工作流)\s*[:：=])\s*["“']?([^\s"”',，。;；\uE000]{1,100})["”']?/gi,
    ([name = '']) => {
      reading.wish.recipe ??= name;
      return true;
    },
  );
  take(
    reading,
    /\b(?:using|with|via|on|use|in)\s+(?:the\s+)?([\w][\w.-]{1,80}(?:\s(?:1\.5|3\.5|xl)\b)?)(?:\s+(?:model|checkpoint|recipe)\b)?/gi,
    ([name = '']) => setName(reading, name, false),
  );
  take(
    reading,
    /(?:使用|用)\s*([A-Za-z][\w.-]{1,80}(?:\s(?:1\.5|3\.5|XL))?)\s*(?:的?模型)?(?:来|去)?/g,
    ([name = '']) => setName(reading, name, false),
  );
}

function setName(reading: Reading, name: string, explicit: boolean): boolean {
  const { models, recipes, families } = reading.vocabulary;
  const known = knownName(name, models);
  if (known !== undefined) {
    reading.wish.model ??= known;
    return true;
  }
  const recipe = knownName(name.replaceAll(/\s/g, ''), [...families, ...recipes]);
  if (recipe !== undefined) {
    reading.wish.recipe ??= recipe;
    return true;
  }
  if (explicit) reading.wish.model ??= name;
  return explicit;
}

function fold(name: string): string {
  return name
    .toLowerCase()
    .replace(/\.(safetensors|ckpt|pth?|sft|gguf|bin)$/, '')
    .replaceAll(/[^\p{L}\p{N}]+/gu, '');
}

/** The known name that is meant, by its letters and digits without folder and ending. */
function knownName(name: string, known: readonly string[]): string | undefined {
  const wanted = fold(name);
  if (wanted.length < 2) return undefined;
  return nearestNames(name, known, 5).find(
    (candidate) => fold(candidate) === wanted || fold(candidate.split(/[/\\]/).at(-1) ?? '') === wanted,
  );
}

const HIGH_QUALITY =
  /\b(?:high|best|highest|top|maximum)[ -]quality\b|\bhq\b|(?:高|最高|最佳)(?:质量|画质|品质)|精细(?:绘制|渲染)/i;
const DRAFT =
  /^(?:(?:a\s+|as\s+a\s+)?(?:quick|fast|rough)(?:\s+(?:draft|preview|one|sketch))?|(?:as\s+a\s+)?draft(?:\s+(?:mode|quality))?|草稿|草图|快速(?:出图|预览|生成)?|快一点|先出草稿|先草稿)$/i;

function readQuality(reading: Reading): void {
  // These words are part of what models were trained on, so they stay in the prompt.
  if (HIGH_QUALITY.test(reading.text)) reading.wish.quality = 'high';
  takeSegments(reading, (segment) => {
    if (!DRAFT.test(segment)) return false;
    reading.wish.quality = 'draft';
    return true;
  });
}

/** Seed, steps, cfg, strength, sampler, recipe, model and quality. */
export function readSettings(reading: Reading): void {
  readSeed(reading);
  readSteps(reading);
  readGuidance(reading);
  readStrength(reading);
  readSampler(reading);
  readNames(reading);
  readQuality(reading);
}

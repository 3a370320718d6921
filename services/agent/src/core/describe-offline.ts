import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { parseWorkflow } from '@atelier/comfyui/graph/parse-workflow';
import type { ImageMetadata } from '@atelier/comfyui/metadata/image-metadata';
import { parseMetadata } from '@atelier/comfyui/metadata/read-metadata';
import { traceParameters } from '@atelier/comfyui/recipes/trace-parameters';
import { topologicalOrder } from '@atelier/comfyui/graph/topology';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { Language } from '@atelier/shared/contracts/identity';
import { shorten } from '@atelier/shared/text/shorten';
import { ratioName } from './ratio-name.ts';
import { readPictureSize } from './picture-size.ts';
import type { LocalText } from './words-plan.ts';

/** Longest prompt that is read out. */
const MAX_PROMPT = 1_500;

/** What a file says of how its picture was made. */
interface Making {
  prompt?: string;
  negative?: string;
  settings: string[];
}

/**
 * Says what a picture's file tells by itself: its size and, where the program that made it wrote them down, prompt and
 * settings. What a picture shows takes a model that sees it.
 */
export function describeOffline(
  pictures: readonly Uint8Array[],
  registry: Registry | undefined,
  language: Language,
): string {
  const parts = pictures.map((bytes, index) => {
    const text = describeOne(bytes, registry)[language];
    const title = language === 'zh' ? `图 ${index + 1}：` : `Picture ${index + 1}: `;
    return pictures.length > 1 ? `${title}${text}` : text;
  });
  return [...parts, NEEDS_MODEL[language]].join('\n\n');
}

const NEEDS_MODEL: LocalText = {
  en: 'To say what a picture shows, a language model is needed: its operator sets ANTHROPIC_API_KEY.',
  zh: '要描述画面内容需要语言模型，请管理员设置 ANTHROPIC_API_KEY。',
};

function describeOne(bytes: Uint8Array, registry: Registry | undefined): LocalText {
  const size = readPictureSize(bytes);
  const making = makingOf(bytes, registry);
  const shape = size === undefined ? undefined : `${size.width} × ${size.height}, ${ratioName(size)}`;
  const en = [
    shape === undefined ? 'The size cannot be read.' : `${shape}.`,
    making === undefined ? 'The file does not say how it was made.' : '',
    making?.prompt === undefined ? '' : `Prompt in the file: “${making.prompt}”`,
    making?.negative === undefined ? '' : `Negative prompt: “${making.negative}”`,
    making === undefined || making.settings.length === 0 ? '' : `Settings: ${making.settings.join(', ')}.`,
  ];
  const zh = [
    shape === undefined ? '无法读取尺寸。' : `尺寸：${shape}。`,
    making === undefined ? '文件中没有生成信息。' : '',
    making?.prompt === undefined ? '' : `文件中的提示词：“${making.prompt}”`,
    making?.negative === undefined ? '' : `反向提示词：“${making.negative}”`,
    making === undefined || making.settings.length === 0 ? '' : `参数：${making.settings.join('，')}。`,
  ];
  return { en: en.filter((part) => part !== '').join('\n'), zh: zh.filter((part) => part !== '').join('\n') };
}

function makingOf(bytes: Uint8Array, registry: Registry | undefined): Making | undefined {
  let metadata: ImageMetadata;
  try {
    metadata = parseMetadata(bytes);
  } catch (error) {
    // Another format, or damaged: the picture says nothing of itself.
    if (error instanceof ComfyError) return undefined;
    throw error;
  }
  return ofParameters(metadata) ?? (registry === undefined ? undefined : ofWorkflow(metadata, registry));
}

function ofParameters({ parameters }: ImageMetadata): Making | undefined {
  if (parameters === undefined) return undefined;
  const { prompt, negativePrompt, steps, sampler, cfgScale, seed, model } = parameters;
  return making(prompt, negativePrompt, { steps, sampler, cfg: cfgScale, seed, model });
}

function ofWorkflow({ prompt }: ImageMetadata, registry: Registry): Making | undefined {
  if (prompt === undefined) return undefined;
  try {
    const workflow = parseWorkflow(prompt);
    const found = traceParameters(workflow, registry, topologicalOrder(workflow));
    const value = (role: string): unknown => found.find((traced) => traced.role === role)?.value;
    const settings = Object.fromEntries(
      ['model', 'seed', 'steps', 'cfg', 'sampler'].map((role) => [role, value(role)] as const),
    );
    return making(value('prompt'), value('negative'), settings);
  } catch (error) {
    if (error instanceof ComfyError) return undefined;
    throw error;
  }
}

function making(prompt: unknown, negative: unknown, settings: Record<string, unknown>): Making | undefined {
  const listed = Object.entries(settings).flatMap(([name, value]) =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
      ? [`${name} ${printable(String(value), 120)}`]
      : [],
  );
  const words = text(prompt);
  const unwanted = text(negative);
  if (words === undefined && listed.length === 0) return undefined;
  return {
    ...(words === undefined ? {} : { prompt: words }),
    ...(unwanted === undefined ? {} : { negative: unwanted }),
    settings: listed,
  };
}

function text(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const shown = printable(value, MAX_PROMPT);
  return shown === '' ? undefined : shown;
}

/** A stranger's text in one piece: no control characters, and no longer than this. */
function printable(value: string, max: number): string {
  return shorten(value.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim(), max);
}

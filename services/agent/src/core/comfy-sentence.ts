import type { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { nearestNames } from '@atelier/comfyui/notation/nearest-names';
import type { Registry } from '@atelier/comfyui/registry/registry';
import { toChinese } from './comfy-chinese.ts';
import type { LocalText } from './words-plan.ts';

/** Reasons that a person is shown; the rest is counted. */
const MAX_REASONS = 3;
const MAX_NAMES = 5;

/** What ComfyUI's knowledge says against a value, for a person. */
export function comfySentence(error: Pick<ComfyError, 'message' | 'hint'>): LocalText {
  const en = error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
  return { en, zh: toChinese(en) ?? `此设置无法使用，请修改后重试（${en}）` };
}

/** Several reasons of that kind: the first ones, and how many more there are. */
export function reasonsSentence(messages: readonly string[]): LocalText {
  const distinct = [...new Set(messages)];
  const shown = distinct.slice(0, MAX_REASONS);
  const more = distinct.length - shown.length;
  return {
    en: `${shown.join(' ')}${more > 0 ? ` And ${more} more.` : ''}`,
    zh: `${shown.map((message) => toChinese(message) ?? message).join('')}${more > 0 ? `另有 ${more} 处问题。` : ''}`,
  };
}

/** Node classes that a workflow needs and a server lacks, with those that are named alike. */
export function missingClasses(missing: readonly string[], registry: Registry): LocalText {
  const shown = missing.slice(0, MAX_NAMES);
  const names = shown.map((name) => {
    const near = nearestNames(name, registry.classes.keys(), 1)[0];
    return { name, near };
  });
  const more = missing.length - shown.length;
  const list = (separator: string, likely: (near: string) => string): string =>
    names.map(({ name, near }) => (near === undefined ? name : `${name} ${likely(near)}`)).join(separator);
  return {
    en: `This ComfyUI has no node class ${list(', ', (near) => `(nearest: ${near})`)}${more > 0 ? ` and ${more} more` : ''}; ask its operator to install the pack that has it, or use other nodes.`,
    zh: `此 ComfyUI 没有节点 ${list('、', (near) => `（相近：${near}）`)}${more > 0 ? `等 ${missing.length} 个` : ''}，请联系管理员安装对应的节点包，或换用其他节点。`,
  };
}

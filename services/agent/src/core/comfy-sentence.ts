import type { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import type { LocalText } from './words-plan.ts';

/** What ComfyUI's knowledge says against a value, for a person: its own words, which are English, with a Chinese lead. */
export function comfySentence(error: Pick<ComfyError, 'message' | 'hint'>): LocalText {
  const en = error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
  return { en, zh: `此设置无法使用，请修改后重试（${en}）` };
}

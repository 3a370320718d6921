import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { nearestNames } from '@atelier/comfyui/notation/nearest-names';
import { findModel } from '@atelier/comfyui/recipes/pick-model';
import { guessModelFamily } from '@atelier/comfyui/registry/model-family';
import { lorasOf, type RecipeOffer } from './catalog.ts';
import { nearestSentence, quoted } from './messages.ts';
import type { LocalText, NamedLora } from './words-plan.ts';

export type ResolvedLoras = { ok: true; loras: NamedLora[]; notes: LocalText[] } | { ok: false; message: LocalText };

const INPUTS = ['LoraLoader', 'LoraLoaderModelOnly'].map((classType) => ({ classType, input: 'lora_name' }));

/**
 * Finds the LoRA files that a person means: by name in full, without folder or ending, or by a part that only one name
 * has. Those of another family than the model are refused, as far as names tell.
 */
export function resolveLoras(
  wanted: readonly NamedLora[],
  offer: RecipeOffer,
  model: string | undefined,
): ResolvedLoras {
  const available = lorasOf(offer.registry);
  const loras: NamedLora[] = [];
  const notes: LocalText[] = [];
  for (const { name, strength } of wanted) {
    const found = findLora(name, offer, available);
    if (found === undefined) return { ok: false, message: unknownLora(name, available) };
    if (!found.exact) notes.push(takenAs(name, found.file));
    if (!familiesMeet(found.file, model)) return { ok: false, message: wrongFamily(found.file, model ?? '') };
    loras.push({ name: found.file, strength });
  }
  return { ok: true, loras, notes };
}

function findLora(
  wanted: string,
  { registry }: RecipeOffer,
  available: readonly string[],
): { file: string; exact: boolean } | undefined {
  for (const from of INPUTS) {
    try {
      const needs = { en: 'a LoRA', zh: 'LoRA' };
      const parameter = { kind: 'model' as const, name: 'lora', title: needs, from, folder: 'loras', needs };
      return { file: findModel(parameter, wanted, registry), exact: true };
    } catch (error) {
      if (!(error instanceof ComfyError)) throw error;
    }
  }
  const part = folded(wanted);
  const holding = part.length < 3 ? [] : available.filter((file) => folded(file).includes(part));
  const [only] = holding;
  return holding.length === 1 && only !== undefined ? { file: only, exact: false } : undefined;
}

function folded(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '');
}

/** Pony and Illustrious are SDXL models to a LoRA. */
function baseFamily(file: string): string {
  const family = guessModelFamily(file);
  return family === 'pony' || family === 'illustrious' ? 'sdxl' : family;
}

function familiesMeet(lora: string, model: string | undefined): boolean {
  const families = [baseFamily(lora), baseFamily(model ?? '')];
  return families.includes('unknown') || families[0] === families[1];
}

function unknownLora(name: string, available: readonly string[]): LocalText {
  if (available.length === 0) {
    return {
      en: `There is no LoRA ${quoted(name)}: none are installed here. Leave it out, or ask the operator to add it.`,
      zh: `没有 LoRA ${quoted(name)}：这里尚未安装任何 LoRA。请去掉该设置，或联系管理员安装。`,
    };
  }
  const nearest = nearestNames(name, available);
  const near = nearestSentence(nearest.length > 0 ? nearest : available.slice(0, 5));
  return {
    en: `There is no LoRA ${quoted(name)} here; choose another or leave it out.${near.en}`,
    zh: `这里没有 LoRA ${quoted(name)}，请另选或去掉该设置。${near.zh}`,
  };
}

function takenAs(name: string, file: string): LocalText {
  return { en: `The LoRA ${quoted(name)} was taken to mean ${file}.`, zh: `LoRA ${quoted(name)}按 ${file} 使用。` };
}

function wrongFamily(file: string, model: string): LocalText {
  const [own, other] = [baseFamily(file), baseFamily(model)];
  return {
    en: `The LoRA ${file} is made for ${own} models, and ${model} is ${other}; choose another LoRA or another model.`,
    zh: `LoRA ${file} 适用于 ${own} 模型，而 ${model} 属于 ${other}，请换一个 LoRA 或模型。`,
  };
}

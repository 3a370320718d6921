import { isJsonObject } from '@atelier/comfyui/json/is-json-object';
import type { Json } from '@atelier/comfyui/json/json';

const maxNames = 500;
const maxNameChars = 200;
/** A file of ComfyUI's folders may say which one it means. */
const annotation = / \[(input|output|temp)\]$/;
const fileLike = /\.[A-Za-z0-9]{2,5}$/;

/** Every text in the inputs of a prompt that could be the name of an uploaded file, without ComfyUI's annotation. */
export function fileNamesIn(prompt: Json): string[] {
  const names = new Set<string>();
  const visit = (value: Json): void => {
    if (names.size >= maxNames) return;
    if (typeof value === 'string') {
      const name = value.length > maxNameChars + 10 ? '' : value.replace(annotation, '');
      if (name.length <= maxNameChars && fileLike.test(name)) names.add(name);
    } else if (Array.isArray(value)) for (const item of value) visit(item);
    else if (isJsonObject(value)) for (const item of Object.values(value)) visit(item);
  };
  for (const node of isJsonObject(prompt) ? Object.values(prompt) : []) {
    if (isJsonObject(node)) visit(node['inputs'] ?? null);
  }
  return [...names];
}

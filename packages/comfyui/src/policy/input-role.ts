import { modelFolderOf } from '../registry/models.ts';
import type { NodeClass, NodeInput } from '../registry/registry.ts';

/** What a text in an input means, and so which rules it is held to. */
export type InputRole =
  /** Prose. Slashes, dots and addresses are words in it. */
  | 'prose'
  /** A short text of a class that is not ComfyUI's own: nothing in it may look like a path or an address. */
  | 'plain'
  /** The beginning of a result's name. */
  | 'output_name'
  /** A file that must exist. */
  | 'file'
  /** An address or a secret: closed. */
  | 'address';

const addressNames =
  /(^|_)(urls?|uris?|links?|endpoint|host(name)?|webhook|server|ip|address|api_?key|token|password|secret|cookie)(_|$|\d)/i;
const fileNames = /(^|_)(files?|filenames?|paths?|dirs?|director(y|ies)|folders?)(_|$|\d)|^(file|folder|path|dir)name/i;
const outputNames = /^(filename_?prefix|prefix|output_?name|save_?name|filename)$/i;
/** Prose even where it is typed in one line. */
const promptNames = /^(text_?)?(prompts?|positive|negative|caption)(_text)?$/i;
const proseNames =
  /(^|_)(text|texts|prompt|prompts|positive|negative|caption|string|tags|lyrics|description|clip_l|clip_g|t5xxl|value|note)(_|$|\d)/i;

/** The role of a STRING input. */
export function inputRole(nodeClass: NodeClass, input: NodeInput): InputRole {
  const { name } = input;
  // Elsewhere than where something is saved `prefix` is the beginning of a text, and `filename` a file to read.
  const isAmbiguous = /^(prefix|filename)$/i.test(name);
  if (outputNames.test(name) && (nodeClass.isOutputNode || !isAmbiguous)) return 'output_name';
  if (addressNames.test(name)) return 'address';
  if (fileNames.test(name)) return 'file';
  if (nodeClass.pack === 'core') return 'prose';
  if (promptNames.test(name)) return 'prose';
  return input.multiline === true && proseNames.test(name) ? 'prose' : 'plain';
}

/** Whether a combo lists files, so that only listed names and given files may stand there. */
export function listsFiles(nodeClass: NodeClass, input: NodeInput): boolean {
  return input.upload !== undefined || modelFolderOf(nodeClass, input) !== undefined || fileNames.test(input.name);
}

import { open } from 'node:fs/promises';
import { ComfyError } from '../errors/comfy-error.ts';
import { isJsonObject } from '../json/is-json-object.ts';
import type { JsonObject } from '../json/json.ts';
import { parseJson } from '../json/parse-json.ts';
import { parseExif } from './exif.ts';
import { detectFormat, setLimits, withoutPadding } from './image-metadata.ts';
import type { ImageFormat, ImageMetadata, MetadataLimits, NamedText, SetMetadataLimits } from './image-metadata.ts';
import { jpegComments, jpegExif, parseJpeg } from './jpeg.ts';
import { parseParameters } from './parse-parameters.ts';
import { parsePng, pngExif, pngTexts } from './png.ts';
import { parseWebp, webpExif } from './webp.ts';

/**
 * Reads what an image tells about how it was made, from a file or from bytes.
 *
 * PNG: tEXt, zTXt, iTXt, ComfyUI's `comf` chunk and eXIf. WebP and JPEG: EXIF, JPEG also comments. Integers are kept exactly.
 *
 * @throws ComfyError `malformed` for a damaged file or another format, `too_large` above a cap, `invalid_value` for a path at which
 * there is no ordinary file that can be read.
 */
export async function readMetadata(source: Uint8Array | string, limits: MetadataLimits = {}): Promise<ImageMetadata> {
  if (typeof source !== 'string') return parseMetadata(source, limits);
  return parseMetadata(await readCapped(source, setLimits(limits).maxFileBytes), limits);
}

/** As {@link readMetadata}, for bytes, at once. */
export function parseMetadata(bytes: Uint8Array, limits: MetadataLimits = {}): ImageMetadata {
  const caps = setLimits(limits);
  const format = detectFormat(bytes, caps);
  const named = namedTexts(format, bytes, caps);
  const metadata: ImageMetadata = { format, texts: {} };
  // Where a name comes twice the first one counts, as in ComfyUI's front end.
  const texts = new Map<string, string>();
  for (const { name, text } of named) if (!texts.has(name)) texts.set(name, text);
  metadata.texts = Object.fromEntries(texts);

  const prompt = objectFrom(texts.get('prompt'));
  const workflow = objectFrom(texts.get('workflow'));
  if (prompt !== undefined && isPrompt(prompt)) metadata.prompt = prompt;
  if (workflow !== undefined) metadata.workflow = workflow;
  for (const value of objects(prompt, workflow, otherObjects(texts))) {
    if (metadata.prompt !== undefined && metadata.workflow !== undefined) break;
    const found = workflowIn(value);
    if (found.prompt !== undefined) metadata.prompt ??= found.prompt;
    if (found.workflow !== undefined) metadata.workflow ??= found.workflow;
  }
  const parameters = texts.get('parameters');
  if (parameters !== undefined && objectFrom(parameters) === undefined) {
    metadata.parameters = parseParameters(parameters);
  }
  return metadata;
}

function namedTexts(format: ImageFormat, bytes: Uint8Array, limits: SetMetadataLimits): NamedText[] {
  if (format === 'png') {
    const chunks = parsePng(bytes, limits);
    const texts = pngTexts(chunks, limits);
    return [...texts, ...exifTexts(pngExif(chunks), limits)];
  }
  if (format === 'webp') return exifTexts(webpExif(parseWebp(bytes, limits)), limits);
  const parts = parseJpeg(bytes, limits);
  const comments = jpegComments(parts, limits).map((text) => ({ name: 'comment', text }));
  return [...exifTexts(jpegExif(parts), limits), ...comments];
}

function exifTexts(block: Uint8Array | undefined, limits: SetMetadataLimits): NamedText[] {
  return block === undefined ? [] : parseExif(block, limits).texts;
}

/** One after another, so that no more is parsed than is needed. */
function* objects(
  prompt: JsonObject | undefined,
  workflow: JsonObject | undefined,
  others: Iterable<JsonObject>,
): Generator<JsonObject> {
  if (prompt !== undefined) yield prompt;
  if (workflow !== undefined) yield workflow;
  yield* others;
}

/** Texts of other names that may hold a workflow: reading thousands of them would take long. */
const maxOtherTexts = 50;

function* otherObjects(texts: ReadonlyMap<string, string>): Generator<JsonObject> {
  let tried = 0;
  for (const [name, text] of texts) {
    if (name === 'prompt' || name === 'workflow' || !looksLikeObject(text)) continue;
    tried += 1;
    if (tried > maxOtherTexts) return;
    const value = objectFrom(text);
    if (value !== undefined) yield value;
  }
}

/** Some programs put a workflow into a comment without its name, or both in one object. */
function workflowIn(value: JsonObject): { prompt?: JsonObject; workflow?: JsonObject } {
  if (isPrompt(value)) return { prompt: value };
  if (Array.isArray(value['nodes'])) return { workflow: value };
  const { prompt, workflow } = value;
  return {
    ...(isJsonObject(prompt) && isPrompt(prompt) ? { prompt } : {}),
    ...(isJsonObject(workflow) ? { workflow } : {}),
  };
}

function isPrompt(value: JsonObject): boolean {
  return Object.values(value).some((node) => isJsonObject(node) && typeof node['class_type'] === 'string');
}

function looksLikeObject(text: string): boolean {
  return /^\s*\{/.test(text);
}

/** 10,000 nodes are some 200,000 values. */
const maxJsonValues = 500_000;

/** A text that is no JSON object, or too long a one, is somebody else's, not an error of the file. */
function objectFrom(text: string | undefined): JsonObject | undefined {
  if (text === undefined || !looksLikeObject(text)) return undefined;
  try {
    const value = parseJson(withoutPadding(text), { maxValues: maxJsonValues });
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof ComfyError) return undefined;
    throw error;
  }
}

async function readCapped(path: string, maxBytes: number): Promise<Uint8Array> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    throw unreadable(error);
  }
  try {
    const { size } = await file.stat().then((stat) => {
      // A pipe or a device could give bytes for ever.
      if (!stat.isFile()) throw new ComfyError('invalid_value', 'The path is not that of an ordinary file.');
      return stat;
    });
    if (size > maxBytes) {
      throw new ComfyError('too_large', `The image has ${size} bytes; at most ${maxBytes} are read.`);
    }
    const bytes = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const { bytesRead } = await file.read(bytes, at, size - at, at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes.subarray(0, at);
  } catch (error) {
    throw error instanceof ComfyError ? error : unreadable(error);
  } finally {
    await file.close();
  }
}

function unreadable(error: unknown): ComfyError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
  return new ComfyError('invalid_value', `The image file cannot be read: ${code}.`, {
    hint: 'Check the path and its permissions.',
    cause: error,
  });
}

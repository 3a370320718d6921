import { open } from 'node:fs/promises';
import { ComfyError } from '../errors/comfy-error.ts';
import { isJsonObject } from '../json/is-json-object.ts';
import type { JsonObject } from '../json/json.ts';
import { parseJson } from '../json/parse-json.ts';
import { parseExif } from './exif.ts';
import { detectFormat, setLimits } from './image-metadata.ts';
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

  const wrapped = [...texts.values()].map(workflowIn);
  const prompt = promptFrom(texts.get('prompt')) ?? wrapped.find((found) => found?.prompt !== undefined)?.prompt;
  if (prompt !== undefined) metadata.prompt = prompt;
  const workflow =
    objectFrom(texts.get('workflow')) ?? wrapped.find((found) => found?.workflow !== undefined)?.workflow;
  if (workflow !== undefined) metadata.workflow = workflow;
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

/** ComfyUI's API format, if that is what the text is. */
function promptFrom(text: string | undefined): JsonObject | undefined {
  const value = objectFrom(text);
  return value !== undefined && isPrompt(value) ? value : undefined;
}

/** Some programs put a workflow into a comment without its name, or both in one object. */
function workflowIn(text: string): { prompt?: JsonObject; workflow?: JsonObject } | undefined {
  const value = objectFrom(text);
  if (value === undefined) return undefined;
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

/** A text that is no JSON object is somebody else's, not an error of the file. */
function objectFrom(text: string | undefined): JsonObject | undefined {
  if (text === undefined || !/^\s*\{/.test(text)) return undefined;
  try {
    const value = parseJson(text.replace(/\0+$/, ''));
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

import { ComfyError } from '../errors/comfy-error.ts';
import type { Json, JsonObject } from '../json/json.ts';
import type { GenerationParameters } from './parse-parameters.ts';

/** The image formats whose metadata is understood. */
export type ImageFormat = 'png' | 'webp' | 'jpeg';

/** What an image tells about how it was made. */
export interface ImageMetadata {
  format: ImageFormat;
  /** The workflow in API format, from ComfyUI's `prompt`. Not validated: it is what someone wrote into a file. */
  prompt?: JsonObject;
  /** The workflow as the front end saves it. */
  workflow?: JsonObject;
  /** AUTOMATIC1111's "parameters", read. */
  parameters?: GenerationParameters;
  /** All texts by name as they stood in the file, the ones above included. */
  texts: Record<string, string>;
}

/** What can be written into an image. */
export interface WritableMetadata {
  /** API format. */
  prompt?: Json;
  /** Front-end format. */
  workflow?: Json;
  /** AUTOMATIC1111's text. */
  parameters?: string;
}

/** Caps on what a file may cost. */
export interface MetadataLimits {
  /** 64 MiB unless given. */
  maxFileBytes?: number;
  /** For one text once it is decompressed, and for all of a file together. 16 MiB unless given. */
  maxTextBytes?: number;
  /** Chunks, segments or entries. 100,000 unless given. */
  maxParts?: number;
}

/** {@link MetadataLimits} with every cap set. */
export type SetMetadataLimits = Required<MetadataLimits>;

/** Fills in the defaults. */
export function setLimits(limits: MetadataLimits): SetMetadataLimits {
  return {
    maxFileBytes: limits.maxFileBytes ?? 64 * 1024 * 1024,
    maxTextBytes: limits.maxTextBytes ?? 16 * 1024 * 1024,
    maxParts: limits.maxParts ?? 100_000,
  };
}

/** A named text of a file. */
export interface NamedText {
  name: string;
  text: string;
}

/**
 * Tells the format by the first bytes.
 *
 * @throws ComfyError `malformed` for anything else, `too_large` above the cap.
 */
export function detectFormat(bytes: Uint8Array, limits: SetMetadataLimits): ImageFormat {
  if (bytes.byteLength > limits.maxFileBytes) {
    throw new ComfyError(
      'too_large',
      `The image has ${bytes.byteLength} bytes; at most ${limits.maxFileBytes} are read.`,
    );
  }
  if (startsWith(bytes, 0, '\x89PNG\r\n\x1a\n')) return 'png';
  if (startsWith(bytes, 0, 'RIFF') && startsWith(bytes, 8, 'WEBP')) return 'webp';
  if (startsWith(bytes, 0, '\xff\xd8\xff')) return 'jpeg';
  throw new ComfyError('malformed', 'The file is not a PNG, WebP or JPEG image.', {
    hint: 'Give the original file, not a link, a video or a screenshot in another format.',
  });
}

/** Whether the bytes at an offset are those of a Latin-1 text. */
export function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  if (at + text.length > bytes.byteLength) return false;
  for (let index = 0; index < text.length; index += 1) {
    if (bytes[at + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** The error for a file that ends too early or contradicts itself. */
export function malformedImage(format: string, what: string): ComfyError {
  return new ComfyError('malformed', `The ${format} file is damaged: ${what}.`, {
    hint: 'Download or export the image again: it may be cut off.',
  });
}

/** The error for a file that would cost more than it may. */
export function tooMuchMetadata(what: string, cap: number): ComfyError {
  return new ComfyError('too_large', `The image's metadata is too large: ${what} beyond ${cap}.`);
}

/**
 * Text as files hold it: UTF-8 where it is valid, else Latin-1. PNG's tEXt and EXIF's ASCII leave no room for UTF-8, and
 * many programs write it all the same.
 */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  }
}

/** A text without the NULs that may pad it in a file. By hand: a pattern would begin anew at every NUL inside. */
export function withoutPadding(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0) end -= 1;
  return text.slice(0, end);
}

/** Joins byte strings into one. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

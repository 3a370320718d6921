import { ComfyError } from '../errors/comfy-error.ts';
import type { Json } from '../json/json.ts';
import { stringifyJson } from '../json/stringify-json.ts';
import { buildExif, parseExif } from './exif.ts';
import type { ExifToWrite } from './exif.ts';
import { detectFormat, setLimits } from './image-metadata.ts';
import type { MetadataLimits, NamedText, SetMetadataLimits, WritableMetadata } from './image-metadata.ts';
import { jpegExif, parseJpeg, rewriteJpeg } from './jpeg.ts';
import { parsePng, pngExif, rewritePng } from './png.ts';
import { parseWebp, rewriteWebp, webpExif } from './webp.ts';

/**
 * Writes how an image was made into it, where ComfyUI and its front end look: PNG texts, or EXIF in WebP and JPEG.
 *
 * All metadata that was there is replaced, but for the colour profile and the orientation, which change how the picture looks. The
 * picture itself is not touched.
 *
 * @returns a new file.
 * @throws ComfyError `malformed` for a damaged file or another format, `too_large` above a cap, and for more than 64 KiB in a JPEG.
 */
export function writeMetadata(
  bytes: Uint8Array,
  metadata: WritableMetadata,
  limits: MetadataLimits = {},
): Uint8Array<ArrayBuffer> {
  const caps = setLimits(limits);
  const content: ExifToWrite = {
    prompt: metadata.prompt === undefined ? undefined : asciiJson(metadata.prompt),
    workflow: metadata.workflow === undefined ? undefined : asciiJson(metadata.workflow),
    parameters: metadata.parameters,
  };
  const format = detectFormat(bytes, caps);
  if (format === 'png') {
    const chunks = parsePng(bytes, caps);
    const texts = (['prompt', 'workflow', 'parameters'] as const)
      .map((name) => ({ name, text: content[name] }))
      .filter((entry): entry is NamedText & { name: keyof WritableMetadata } => entry.text !== undefined);
    return rewritePng(chunks, texts, buildExif({ orientation: orientationOf(pngExif(chunks), caps) }));
  }
  if (format === 'webp') {
    const chunks = parseWebp(bytes, caps);
    return rewriteWebp(chunks, buildExif({ ...content, orientation: orientationOf(webpExif(chunks), caps) }));
  }
  const parts = parseJpeg(bytes, caps);
  return rewriteJpeg(parts, buildExif({ ...content, orientation: orientationOf(jpegExif(parts), caps) }));
}

/**
 * Takes everything out of an image that is not the picture: texts, EXIF with place and camera, XMP, IPTC, comments, times, parts of
 * the file that are not known, and what stands behind its end. Colour profile and orientation stay.
 *
 * @throws ComfyError `malformed`, `too_large`.
 */
export function stripMetadata(bytes: Uint8Array, limits: MetadataLimits = {}): Uint8Array<ArrayBuffer> {
  return writeMetadata(bytes, {}, limits);
}

/** Undefined also for a damaged block: that must not keep anyone from taking it out. */
function orientationOf(exif: Uint8Array | undefined, limits: SetMetadataLimits): number | undefined {
  try {
    return exif === undefined ? undefined : parseExif(exif, limits).orientation;
  } catch (error) {
    if (error instanceof ComfyError) return undefined;
    throw error;
  }
}

/** JSON in ASCII, as Python writes it: PNG's tEXt and EXIF hold nothing else safely. */
function asciiJson(value: Json): string {
  return stringifyJson(value, { nonFinite: 'literal' }).replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

import { ComfyError } from '../errors/comfy-error.ts';
import {
  concatBytes,
  decodeText,
  malformedImage,
  startsWith,
  tooMuchMetadata,
  withoutPadding,
} from './image-metadata.ts';
import type { SetMetadataLimits } from './image-metadata.ts';

/** A marker segment in front of a JPEG file's picture data. The data shares the file's memory. */
export interface JpegSegment {
  /** The marker's second byte: 0xe1 is APP1. */
  marker: number;
  data: Uint8Array;
  /** Marker, length and data. */
  whole: Uint8Array;
}

/** A JPEG file: the segments up to the first scan, and everything from there on. */
export interface JpegParts {
  segments: JpegSegment[];
  rest: Uint8Array;
}

const app0 = 0xe0;
const app1 = 0xe1;
const app2 = 0xe2;
const app14 = 0xee;
const app15 = 0xef;
const comment = 0xfe;
const startOfScan = 0xda;
const endOfImage = 0xd9;

/** A segment's length field has 16 bits and counts itself. */
const maxSegmentBytes = 0xffff - 2;

/**
 * Splits a JPEG file (ITU T.81, annex B).
 *
 * @throws ComfyError `malformed` for a file that ends before its picture, `too_large` for too many segments.
 */
export function parseJpeg(bytes: Uint8Array, limits: SetMetadataLimits): JpegParts {
  const segments: JpegSegment[] = [];
  let at = 2;
  for (;;) {
    if (bytes[at] !== 0xff) throw malformedImage('JPEG', 'a segment does not begin with its mark');
    // Any number of fill bytes may stand before a marker.
    while (bytes[at + 1] === 0xff) at += 1;
    const marker = bytes[at + 1];
    if (marker === undefined) throw malformedImage('JPEG', 'it ends before its picture');
    if (marker === startOfScan) return { segments, rest: bytes.subarray(at) };
    const high = bytes[at + 2];
    const low = bytes[at + 3];
    if (high === undefined || low === undefined) throw malformedImage('JPEG', 'it ends before its picture');
    const length = high * 256 + low;
    if (length < 2 || at + 2 + length > bytes.byteLength) throw malformedImage('JPEG', 'a segment is cut off');
    segments.push({
      marker,
      data: bytes.subarray(at + 4, at + 2 + length),
      whole: bytes.subarray(at, at + 2 + length),
    });
    if (segments.length > limits.maxParts) throw tooMuchMetadata('segments', limits.maxParts);
    at += 2 + length;
  }
}

/** The EXIF block of a JPEG file, if it has one. */
export function jpegExif(parts: JpegParts): Uint8Array | undefined {
  return parts.segments.find((segment) => segment.marker === app1 && startsWith(segment.data, 0, 'Exif\0\0'))?.data;
}

/** The comments of a JPEG file. */
export function jpegComments(parts: JpegParts, limits: SetMetadataLimits): string[] {
  const comments = parts.segments.filter((segment) => segment.marker === comment);
  const size = comments.reduce((sum, segment) => sum + segment.data.byteLength, 0);
  if (size > limits.maxTextBytes) throw tooMuchMetadata('bytes of text', limits.maxTextBytes);
  return comments.map((segment) => withoutPadding(decodeText(segment.data)));
}

/**
 * The picture alone, with a new EXIF block: without EXIF, XMP, IPTC, provenance marks, thumbnails and comments, also between scans, and
 * without what stands behind its end (phones put a video or a second picture with its own EXIF there). JFIF's mark, colour profiles
 * and Adobe's mark stay: they change how the picture looks.
 *
 * @throws ComfyError `malformed` when a segment between scans is cut off, `too_large` for a block beyond 64 KiB, which is all that a segment holds.
 */
export function rewriteJpeg(parts: JpegParts, exif: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
  const kept = parts.segments.filter(isOfPicture);
  // APP0, JFIF's mark, must stay the first.
  const lead = kept[0]?.marker === app0 ? 1 : 0;
  return concatBytes([
    new Uint8Array([0xff, 0xd8]),
    ...kept.slice(0, lead).map(({ whole }) => whole),
    ...(exif === undefined ? [] : [exifSegment(exif)]),
    ...kept.slice(lead).map(({ whole }) => whole),
    ...scansOf(parts.rest),
  ]);
}

function isOfPicture({ marker, data }: Pick<JpegSegment, 'marker' | 'data'>): boolean {
  if (marker === app0) return startsWith(data, 0, 'JFIF\0');
  if (marker === app2) return startsWith(data, 0, 'ICC_PROFILE\0');
  if (marker === app14) return startsWith(data, 0, 'Adobe');
  return marker !== comment && (marker < app0 || marker > app15);
}

/** The scans and the tables between them, up to the end of the picture. A file that is cut off inside a scan is taken as far as it goes. */
function* scansOf(rest: Uint8Array): Generator<Uint8Array> {
  let from = 0;
  for (let at = 0; ;) {
    at = rest.indexOf(0xff, at);
    const marker = at < 0 ? undefined : rest[at + 1];
    if (marker === undefined) {
      yield rest.subarray(from);
      return;
    }
    // A zero stands behind a plain 0xff, and restart marks have no length; 0xff itself fills.
    if (marker === 0 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd7)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    if (marker === endOfImage) {
      yield rest.subarray(from, at + 2);
      return;
    }
    const end = at + 2 + (rest[at + 2] ?? 0) * 256 + (rest[at + 3] ?? 0);
    if (end < at + 4 || end > rest.byteLength) throw malformedImage('JPEG', 'a segment is cut off');
    if (!isOfPicture({ marker, data: rest.subarray(at + 4, end) })) {
      yield rest.subarray(from, at);
      from = end;
    }
    at = end;
  }
}

function exifSegment(exif: Uint8Array): Uint8Array {
  const data = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), exif]);
  if (data.byteLength > maxSegmentBytes) {
    throw new ComfyError(
      'too_large',
      `A JPEG file holds at most ${maxSegmentBytes} bytes of metadata; this is ${data.byteLength}.`,
      {
        hint: 'Use PNG or WebP, or leave the workflow out.',
      },
    );
  }
  const head = Buffer.from([0xff, app1, 0, 0]);
  head.writeUInt16BE(data.byteLength + 2, 2);
  return Buffer.concat([head, data]);
}

import { buffer } from 'node:stream/consumers';
import { AppError } from '@atelier/shared/errors/app-error';
import { extensionOf, pictureStem } from '../../../core/cards/picture-name.ts';
import { encodeToFit } from '../../../pictures/encode-to-fit.ts';
import type { ChatCore } from '../../../ports.ts';
import type { Upload } from '../api/telegram-calls.ts';
import type { UploadLimits } from '../api/upload-limits.ts';

/** A stored file as cards and outcomes name it. */
export interface StoredFile {
  hash: string;
  mediaType: string;
  bytes: number;
  filename: string;
  /** Pixels. */
  width?: number;
  height?: number;
}

export interface PreparedFiles {
  /** In groups of files that one message can carry: at most 10, of kinds that Telegram lets stand together. */
  groups: Upload[][];
  /** Some are smaller copies, because the originals are larger than Telegram takes. */
  reencoded: boolean;
  /** Larger than Telegram takes, and no pictures of which a copy could be made; or expired. */
  left: StoredFile[];
}

export interface PrepareOptions {
  files: Pick<ChatCore['files'], 'get'>;
  limits: UploadLimits;
  /** `media`: shown in the chat where possible. `document`: the original bytes. */
  as: 'media' | 'document';
}

const maxPhotoSidesTogether = 10_000;
const maxPhotoRatio = 20;
const maxInAlbum = 10;
const photoTypes: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/webp']);
/** Tried in this order until the picture fits: quality first, then size. */
const encodings = [
  { quality: 92, side: 4_096 },
  { quality: 82, side: 4_096 },
  { quality: 80, side: 2_560 },
  { quality: 70, side: 1_280 },
] as const;

/**
 * Reads files for messages: shown where Telegram shows them, else as documents with the original bytes, else smaller
 * copies. What has expired is left out.
 *
 * @throws AppError `unavailable` where the store is away.
 */
export async function prepareFiles(stored: readonly StoredFile[], options: PrepareOptions): Promise<PreparedFiles> {
  const { limits } = options;
  const left: StoredFile[] = [];
  const ready: Upload[] = [];
  let reencoded = false;
  const totalBytes = stored.reduce((sum, { bytes }) => sum + bytes, 0);
  // An album is one upload: what does not fit together is made to.
  const perFile = totalBytes <= limits.requestBytes ? limits.documentBytes : limits.requestBytes / stored.length;
  // One at a time: a decoded picture takes a hundred times its file.
  for (const [index, file] of stored.entries()) {
    const isPicture = photoTypes.has(file.mediaType);
    if (!isPicture && file.bytes > perFile) {
      left.push(file);
      continue;
    }
    const bytes = await readFile(options.files, file.hash);
    const name = `${index + 1}-${pictureStem(file.filename)}`;
    if (bytes === undefined) left.push(file);
    else if (bytes.length <= perFile) {
      const kind = options.as === 'media' ? kindOf({ ...file, bytes: bytes.length }, limits) : 'document';
      ready.push({ kind, bytes, name: `${name}.${extensionOf(file.mediaType)}` });
    } else {
      reencoded = true;
      const maxBytes = Math.min(limits.photoBytes, Math.floor(perFile));
      const copy = await encodeToFit(bytes, { format: 'jpeg', maxBytes, steps: encodings });
      ready.push({ kind: options.as === 'media' ? 'photo' : 'document', bytes: copy, name: `${name}.jpg` });
    }
  }
  return { groups: groupsOf(ready), reencoded, left };
}

async function readFile(files: Pick<ChatCore['files'], 'get'>, hash: string): Promise<Buffer | undefined> {
  try {
    return await buffer(await files.get(hash));
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined;
    throw error;
  }
}

function kindOf({ mediaType, bytes, width, height }: StoredFile, { photoBytes }: UploadLimits): Upload['kind'] {
  if (mediaType === 'video/mp4') return 'video';
  if (mediaType === 'image/gif') return 'animation';
  if (mediaType === 'audio/mpeg' || mediaType === 'audio/mp4') return 'audio';
  if (!photoTypes.has(mediaType) || bytes > photoBytes) return 'document';
  // What says nothing of its size was made by no workflow of ours that draws larger ones.
  if (width === undefined || height === undefined) return 'photo';
  const fits = width + height <= maxPhotoSidesTogether && Math.max(width / height, height / width) <= maxPhotoRatio;
  return fits ? 'photo' : 'document';
}

/** Photos and videos stand together, documents and audio only among their own, an animation alone. */
function groupsOf(files: readonly Upload[]): Upload[][] {
  const pictures = files.filter(({ kind }) => kind === 'photo' || kind === 'video' || kind === 'document');
  // One that cannot be shown would make an album of two kinds: all of them go as documents, in order.
  const isMixed = new Set(pictures.map(({ kind }) => kind === 'document')).size > 1;
  const byFamily = new Map<string, Upload[]>();
  for (const [index, file] of files.entries()) {
    const kind = isMixed && (file.kind === 'photo' || file.kind === 'video') ? 'document' : file.kind;
    const family = kind === 'animation' ? `animation ${index}` : kind === 'video' ? 'photo' : kind;
    byFamily.set(family, [...(byFamily.get(family) ?? []), { ...file, kind }]);
  }
  return [...byFamily.values()].flatMap((family) => {
    const groups: Upload[][] = [];
    for (let start = 0; start < family.length; start += maxInAlbum)
      groups.push(family.slice(start, start + maxInAlbum));
    return groups;
  });
}

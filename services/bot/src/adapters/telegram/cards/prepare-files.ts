import { extensionOf, pictureStem } from '../../../core/cards/picture-name.ts';
import { fitFile } from '../../../pictures/fit-file.ts';
import { shareBytes } from '../../../pictures/share-bytes.ts';
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
  /** Larger than Telegram takes, and nothing of which a copy could be made; or expired. */
  left: StoredFile[];
}

export interface PrepareOptions {
  files: Pick<ChatCore['files'], 'get'>;
  limits: UploadLimits;
  /** `media`: shown in the chat where possible. `document`: the original bytes. */
  as: 'media' | 'document';
  /** What is shown is covered until somebody uncovers it; Telegram covers no document. */
  isCovered?: boolean;
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
  // An album is one upload: what does not fit together is made to.
  const sizes = stored.map(({ bytes }) => bytes);
  const shares = shareBytes(sizes, limits.documentBytes, limits.requestBytes);
  const copy = { format: 'jpeg' as const, steps: encodings, maxBytes: limits.photoBytes };
  // One at a time: a decoded picture takes a hundred times its file.
  for (const [index, file] of stored.entries()) {
    const fitted = await fitFile(file, { files: options.files, maxBytes: shares[index] ?? 0, copy });
    if (fitted.outcome === 'gone' || fitted.outcome === 'too_large') {
      left.push(file);
      continue;
    }
    const { bytes, mediaType, outcome } = fitted;
    reencoded ||= outcome === 'copy';
    // A copy has other sides, which Telegram shows.
    const shown = outcome === 'copy' ? { hash: file.hash, filename: file.filename } : file;
    const kind = options.as === 'media' ? kindOf({ ...shown, mediaType, bytes: bytes.length }, limits) : 'document';
    const name = `${index + 1}-${pictureStem(file.filename)}.${extensionOf(mediaType)}`;
    ready.push({ kind, bytes, name, ...(options.isCovered === true ? { isCovered: true } : {}) });
  }
  return { groups: groupsOf(ready), reencoded, left };
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

import type { AssetRef } from '@atelier/shared/contracts/request';

/** An attached picture under the name that the workflow calls it. */
export interface NamedPicture {
  name: string;
  asset: AssetRef;
}

const PICTURES: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/webp': 'webp',
  'image/gif': 'gif',
  'image/bmp': 'bmp',
};
/** What workflows read besides. */
const OTHERS: Readonly<Record<string, string>> = {
  'video/mp4': 'mp4',
  'video/webm': 'webm',
  'audio/mpeg': 'mp3',
  'audio/wav': 'wav',
  'audio/flac': 'flac',
  'audio/ogg': 'ogg',
};

/** Whether recipes can read such a file as a picture. */
export function isPicture(mediaType: string): boolean {
  return PICTURES[mediaType] !== undefined;
}

/** The name of a file in ComfyUI's input folder: by its content, so that nobody's file stands in for another's. */
export function namePicture(asset: AssetRef): NamedPicture {
  const extension = PICTURES[asset.mediaType] ?? OTHERS[asset.mediaType] ?? 'bin';
  return { name: `atelier_${asset.hash}.${extension}`, asset };
}

/** Whether ComfyUI can be given such a file. */
export function isReadable(mediaType: string): boolean {
  return isPicture(mediaType) || OTHERS[mediaType] !== undefined;
}

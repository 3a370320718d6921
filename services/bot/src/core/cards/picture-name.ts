/** A picture's file name without its ending, in characters that every platform and file system takes. */
export function pictureStem(filename: string): string {
  const stem = filename.replace(/\.[^.]*$/, '').replaceAll(/[^A-Za-z0-9_-]+/g, '-');
  return stem.slice(0, 60) || 'picture';
}

/** `jpg` for `image/jpeg`, `bin` for what has no simple subtype. */
export function extensionOf(mediaType: string): string {
  const subtype = /^\w+\/([a-z0-9]+)$/.exec(mediaType)?.[1] ?? 'bin';
  return subtype === 'jpeg' ? 'jpg' : subtype;
}

export type ImageFormat = 'png' | 'jpeg' | 'webp' | 'gif' | 'avif';

/** What the bytes are, whatever name or type came with them. SVG is a program, not a picture: it is never recognised. */
export function sniffImage(bytes: Uint8Array): ImageFormat | undefined {
  const latin = (start: number, end: number): string => Buffer.from(bytes.subarray(start, end)).toString('latin1');
  if (latin(0, 8) === '\x89PNG\r\n\x1a\n') return 'png';
  if (latin(0, 3) === '\xff\xd8\xff') return 'jpeg';
  if (latin(0, 4) === 'RIFF' && latin(8, 12) === 'WEBP') return 'webp';
  if (latin(0, 6) === 'GIF87a' || latin(0, 6) === 'GIF89a') return 'gif';
  if (latin(4, 8) === 'ftyp' && /^avi[fs]$/.test(latin(8, 12))) return 'avif';
  return undefined;
}

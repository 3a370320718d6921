import sharp from 'sharp';
import { sampleHashes } from './card-samples.ts';

/** A picture for each hash of the samples, as a data URL (WebP): hills in different light. */
export async function paintSamplePictures(): Promise<ReadonlyMap<string, string>> {
  const painted = sampleHashes.map(async (hash, index) => {
    const bytes = await sharp(Buffer.from(hills(index)))
      .resize({ width: 384 })
      .webp({ quality: 80 })
      .toBuffer();
    return [hash, `data:image/webp;base64,${bytes.toString('base64')}`] as const;
  });
  return new Map(await Promise.all(painted));
}

function hills(index: number): string {
  const hue = (index * 57 + 14) % 360;
  const colour = (turn: number, saturation: number, light: number): string =>
    `hsl(${(hue + turn) % 360}, ${saturation}%, ${light}%)`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 768 1024" width="768" height="1024">
<defs><linearGradient id="s" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${colour(0, 60, 30)}"/><stop offset="1" stop-color="${colour(40, 80, 80)}"/></linearGradient></defs>
<rect width="768" height="1024" fill="url(#s)"/><circle cx="${220 + index * 60}" cy="330" r="70" fill="${colour(50, 90, 88)}"/>
<path d="M0 700 Q190 ${520 + index * 20} 400 690 T768 640 V1024 H0Z" fill="${colour(0, 45, 32)}"/>
<path d="M0 830 Q260 ${700 + index * 15} 520 830 T768 800 V1024 H0Z" fill="${colour(0, 50, 20)}"/></svg>`;
}

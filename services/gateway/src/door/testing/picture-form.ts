import sharp from 'sharp';

/** A picture of one colour, as PNG. */
export function picture(background: { r: number; g: number; b: number; alpha: number }, side = 8): Promise<Buffer> {
  return sharp({ create: { width: side, height: side, channels: 4, background } })
    .png()
    .toBuffer();
}
export const red = { r: 255, g: 0, b: 0, alpha: 1 };
export const green = { r: 0, g: 255, b: 0, alpha: 1 };
export const nothing = { r: 0, g: 0, b: 0, alpha: 0 };

/** As clients of ComfyUI upload it. */
export function form(bytes: Buffer, filename: string, fields: Record<string, string> = {}): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  data.set('image', new Blob([new Uint8Array(bytes)], { type: 'image/png' }), filename);
  return data;
}

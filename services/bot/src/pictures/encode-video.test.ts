import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { encodeVideoToFit } from './encode-video.ts';

/* A program in ffmpeg's place that writes fewer bytes the lower the height is. */
let folder: string;
let ffmpeg: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atelier-test-'));
  ffmpeg = join(folder, 'ffmpeg');
  const script = `#!${process.execPath}
const { readFileSync, writeFileSync } = require('node:fs');
const args = process.argv.slice(2);
const height = Number(/min\\((\\d+),ih\\)/.exec(args[args.indexOf('-vf') + 1])[1]);
if (readFileSync(args[args.indexOf('-i') + 1], 'utf8') !== 'a video') process.exit(1);
writeFileSync(args.at(-1), Buffer.alloc(height));
`;
  await writeFile(ffmpeg, script);
  await chmod(ffmpeg, 0o755);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

it.each([
  [2_000, 1_080],
  [800, 720],
  [400, 360],
])('makes it the best that fits into %i bytes', async (maxBytes, bytes) => {
  const encoded = await encodeVideoToFit(Buffer.from('a video'), { maxBytes, ffmpeg });
  expect(encoded?.length).toBe(bytes);
});

it('gives nothing where it does not fit, fails or is not installed', async () => {
  expect(await encodeVideoToFit(Buffer.from('a video'), { maxBytes: 10, ffmpeg })).toBeUndefined();
  expect(await encodeVideoToFit(Buffer.from('noise'), { maxBytes: 9_999, ffmpeg })).toBeUndefined();
  const absent = join(folder, 'absent');
  expect(await encodeVideoToFit(Buffer.from('a video'), { maxBytes: 9_999, ffmpeg: absent })).toBeUndefined();
});

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Tried in this order until the file fits: quality first (lower is better), then height in pixels. */
const steps = [
  { crf: 26, height: 1_080 },
  { crf: 30, height: 720 },
  { crf: 34, height: 480 },
  { crf: 38, height: 360 },
] as const;
const encodeTimeoutMs = 120_000;

export interface VideoEncoding {
  maxBytes: number;
  /** The program; found on the PATH unless given. */
  ffmpeg?: string;
}

/**
 * A video as the best MP4 that fits, by the ffmpeg of this machine.
 *
 * @returns undefined where there is no ffmpeg, where it fails, and where even the smallest is too large.
 */
export async function encodeVideoToFit(video: Buffer, options: VideoEncoding): Promise<Buffer | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'atelier-video-'));
  try {
    // Seeking in it is needed: the index of an MP4 may stand at its end.
    const source = join(folder, 'source');
    await writeFile(source, video);
    for (const [index, step] of steps.entries()) {
      const target = join(folder, `${index}.mp4`);
      if (!(await runFfmpeg(options.ffmpeg ?? 'ffmpeg', argumentsOf(source, target, step)))) return undefined;
      const encoded = await readFile(target);
      if (encoded.length <= options.maxBytes) return encoded;
    }
    return undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function argumentsOf(source: string, target: string, { crf, height }: (typeof steps)[number]): string[] {
  const scale = `scale=-2:'min(${height},ih)'`;
  const picture = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', String(crf), '-pix_fmt', 'yuv420p', '-vf', scale];
  const sound = ['-c:a', 'aac', '-b:a', '96k'];
  return [
    '-nostdin',
    '-loglevel',
    'error',
    '-y',
    '-i',
    source,
    ...picture,
    ...sound,
    '-movflags',
    '+faststart',
    target,
  ];
}

async function runFfmpeg(program: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'ignore', timeout: encodeTimeoutMs, killSignal: 'SIGKILL' });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}

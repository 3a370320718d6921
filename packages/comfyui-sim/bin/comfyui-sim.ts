#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { z } from 'zod';
import { createSimulator } from '../src/create-simulator.ts';
import { openDiskFiles } from '../src/files/disk-files.ts';
import { parseServiceProfile } from '../src/profile/parse-service-profile.ts';
import { createTraceTimes, parseTrace } from '../src/profile/parse-trace.ts';
import { simVersions } from '../src/version/sim-version.ts';

const usage = `A ComfyUI that needs no GPU: the same protocol, simulated pictures.

  --host NAME        address to listen on (127.0.0.1)
  --port NUMBER      port, 0 for a free one (8188)
  --version VERSION  ${simVersions.join(', ')} (0.8.0)
  --speed NUMBER     1 is a mid-range GPU, 2 twice as fast, 0 no waiting (1)
  --profile PATH     JSON with other times: stepMs, loadMs, swapMs by model family, nodeMs by class
  --trace PATH       CSV with a column execution_s: what each prompt takes in all, in turn
  --inventory NAME   demo: believable model names; recorded: the recorded servers' (demo)
  --classes NUMBER   fills the registry up with made-up node classes
  --dir PATH         keeps input, output and temp files there (in memory)
  --cache MODE       classic, none, or lru:NUMBER (classic)
  --controls         serves /sim/faults and /sim/log
  --help             this text`;

const number = z.coerce.number();
const settingsSchema = z.object({
  host: z.string().min(1),
  port: number.int().min(0).max(65_535),
  version: z.enum(simVersions),
  speed: number.min(0).max(10_000),
  inventory: z.enum(['demo', 'recorded']),
  profile: z.string().min(1).optional(),
  trace: z.string().min(1).optional(),
  classes: number.int().min(0).max(100_000).optional(),
  dir: z.string().min(1).optional(),
  cache: z.string().regex(/^(classic|none|lru:[1-9]\d{0,5})$/, 'classic, none, or lru:NUMBER'),
  controls: z.boolean(),
});

function readSettings(): z.infer<typeof settingsSchema> {
  const { values } = parseArgs({
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '8188' },
      version: { type: 'string', default: '0.8.0' },
      speed: { type: 'string', default: '1' },
      inventory: { type: 'string', default: 'demo' },
      profile: { type: 'string' },
      trace: { type: 'string' },
      classes: { type: 'string' },
      dir: { type: 'string' },
      cache: { type: 'string', default: 'classic' },
      controls: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  return settingsSchema.parse(values);
}

async function main(): Promise<void> {
  const settings = readSettings();
  // Nothing is decoded twice here, and one picture at a time is drawn.
  sharp.cache(false);
  sharp.concurrency(1);
  const [kind, maxNodes] = settings.cache.split(':');
  const times = settings.trace === undefined ? undefined : parseTrace(await readFile(settings.trace, 'utf8'));
  const simulator = createSimulator({
    host: settings.host,
    port: settings.port,
    version: settings.version,
    speed: settings.speed,
    inventory: settings.inventory,
    controls: settings.controls,
    cache: kind === 'lru' ? { kind, maxNodes: Number(maxNodes) } : { kind: kind === 'none' ? 'none' : 'classic' },
    ...(settings.profile === undefined
      ? {}
      : { profile: parseServiceProfile(await readFile(settings.profile, 'utf8')) }),
    ...(times === undefined ? {} : { serviceTimeMs: createTraceTimes(times) }),
    ...(settings.classes === undefined ? {} : { classCount: settings.classes }),
    ...(settings.dir === undefined ? {} : { files: openDiskFiles(settings.dir) }),
  });
  const { url } = await simulator.start();
  console.log(`ComfyUI simulator ${settings.version} at ${url}`);
  // Whoever started it as a child waits for this rather than for a line.
  process.send?.({ type: 'ready', service: 'simulator', url });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      simulator.stop().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });
  }
}

main().catch((error: unknown) => {
  const reason =
    error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : String(error);
  console.error(`comfyui-sim: ${reason}\n\n${usage}`);
  process.exitCode = 2;
});

import { z } from 'zod';
import { httpUrlSetting, intSetting, parseConfig } from '@atelier/shared/config/parse-config';
import { assetSettings, platformSettings } from '@atelier/shared/config/platform-settings';
import { queueLimitsOf, queueSettings } from '@atelier/shared/config/queue-settings';
import type { TempOutputs } from './core/collect-outputs.ts';

const commandSetting = z.string().transform((text, context) => {
  const command = z.tuple([z.string().min(1)], z.string()).safeParse(parseJsonOrNothing(text));
  if (command.success) return command.data;
  context.addIssue('must be a JSON list of strings: the program, then its arguments');
  return z.NEVER;
});

function parseJsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const schema = z.object({
  ...platformSettings,
  ...assetSettings,
  ...queueSettings,
  COMFYUI_URL: httpUrlSetting,
  /** Names the ComfyUI in Postgres; the address without its scheme unless given. */
  WORKER_INSTANCE: z
    .string()
    .regex(/^[A-Za-z0-9._:-]{1,100}$/, 'must be 1 to 100 letters, digits, ., _, : or -')
    .optional(),
  /** A running prompt that shows no sign of life for this long is stopped. */
  WORKER_SILENCE_SECONDS: intSetting(5, 3_600).default(120),
  /** Every wait of the recovery protocol is divided by this: for tests. */
  WORKER_TIME_SCALE: intSetting(1, 100).default(1),
  /** How long a stop waits for the running job; what still runs then stays in ComfyUI, and the next worker adopts it. */
  WORKER_DRAIN_SECONDS: intSetting(0, 3_600).default(8),
  /** Prompts of ours in ComfyUI at a time: with 2 the next one waits there when a job ends, and the GPU does not. */
  ATELIER_WORKER_DEPTH: intSetting(1, 2).default(2),
  /** How long any run may take; without it, what each job is given: 10 minutes, for long ones up to an hour. */
  ATELIER_MAX_RUN_MINUTES: intSetting(1, 10_080).optional(),
  /** Whether previews, which ComfyUI itself throws away, are kept as results: only where nothing was saved, unless set. */
  ATELIER_TEMP_OUTPUTS: z
    .enum(['never', 'when_nothing_else', 'always'], { error: 'must be never, when_nothing_else or always' })
    .default('when_nothing_else'),
  /** Program and arguments that start ComfyUI, as a JSON list of strings; run without a shell, when it does not answer. */
  ATELIER_COMFYUI_COMMAND: commandSetting.optional(),
});

/** How long each wait of the worker is, in ms. */
export interface WorkerTimings {
  /** Both leases: longer than a stall of 5 s, short enough that a successor adopts within 10 s. */
  leaseMs: number;
  beatMs: number;
  /** Between tries to get the instance lease. */
  acquireMs: number;
  /** A POST goes out only with this much of the lease left. */
  postMarginMs: number;
  postTimeoutMs: number;
  /** Between the two looks at which "absent" is believed. */
  settleMs: number;
  pollMs: number;
  silenceMs: number;
  /** How often Postgres is looked at without a doorbell. */
  sweepMs: number;
  strandedAfterMs: number;
  statusMs: number;
  /** How long a stop waits for what runs. */
  drainMs: number;
  /** How long a prompt that shows no sign of life is interrupted before its executor counts as stuck. */
  interruptMs: number;
  /** Between tries while ComfyUI or Postgres is away. */
  retryMs: number;
  /** The next job is picked and prepared when the running one has this much left. */
  prepareAheadMs: number;
  /** It is posted when the running one has this much left. */
  postAheadMs: number;
  /** How long a finished job waits for a store that is full or away before it fails. */
  storeLimitMs: number;
}

export interface WorkerConfig {
  natsUrl: string;
  natsPrefix: string | undefined;
  databaseUrl: string;
  databasePoolSize: number;
  logLevel: string;
  comfyuiUrl: string;
  instanceId: string;
  timings: WorkerTimings;
  /** Jobs on GPUs at a time, over all workers. */
  running: { maxRunning: number; maxRunningPerPerson: number };
  assets: z.infer<z.ZodObject<typeof assetSettings>>;
  /** Prompts of ours in ComfyUI at a time: 1 or 2. */
  depth: number;
  /** Undefined: as each job says. */
  maxRunSeconds: number | undefined;
  tempOutputs: TempOutputs;
  /** Program and arguments that start ComfyUI, where this worker looks after its process too. */
  comfyuiCommand: readonly [string, ...string[]] | undefined;
}

/** Reads the worker's settings. @throws AppError `config` that names every bad variable. */
export function parseWorkerConfig(env: Record<string, string | undefined>): WorkerConfig {
  const settings = parseConfig(schema, env);
  const { maxRunning, maxRunningPerPerson } = queueLimitsOf(settings);
  const scaled = (ms: number): number => ms / settings.WORKER_TIME_SCALE;
  return {
    natsUrl: settings.NATS_URL,
    natsPrefix: settings.NATS_PREFIX,
    databaseUrl: settings.DATABASE_URL,
    databasePoolSize: settings.DATABASE_POOL_SIZE,
    logLevel: settings.LOG_LEVEL,
    comfyuiUrl: settings.COMFYUI_URL,
    instanceId: settings.WORKER_INSTANCE ?? new URL(settings.COMFYUI_URL).host.replaceAll(/[[\]]/g, ''),
    timings: {
      leaseMs: scaled(7_000),
      beatMs: scaled(1_000),
      acquireMs: scaled(500),
      postMarginMs: scaled(2_000),
      postTimeoutMs: 10_000,
      settleMs: scaled(3_000),
      pollMs: scaled(2_000),
      silenceMs: scaled(settings.WORKER_SILENCE_SECONDS * 1_000),
      sweepMs: scaled(5_000),
      strandedAfterMs: scaled(600_000),
      statusMs: scaled(2_000),
      interruptMs: scaled(30_000),
      drainMs: scaled(settings.WORKER_DRAIN_SECONDS * 1_000),
      retryMs: scaled(1_000),
      prepareAheadMs: scaled(10_000),
      postAheadMs: scaled(3_000),
      storeLimitMs: scaled(600_000),
    },
    running: { maxRunning, maxRunningPerPerson },
    assets: settings,
    depth: settings.ATELIER_WORKER_DEPTH,
    maxRunSeconds: settings.ATELIER_MAX_RUN_MINUTES === undefined ? undefined : settings.ATELIER_MAX_RUN_MINUTES * 60,
    tempOutputs: settings.ATELIER_TEMP_OUTPUTS,
    comfyuiCommand: settings.ATELIER_COMFYUI_COMMAND,
  };
}

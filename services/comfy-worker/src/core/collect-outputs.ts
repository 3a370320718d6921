import { setTimeout as sleep } from 'node:timers/promises';
import type { ComfyClient } from '@atelier/comfyui/client/comfy-client';
import { outputFiles, type OutputFile, type PromptOutputs } from '@atelier/comfyui/client/finished-prompt';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import type { JobOutput } from '@atelier/shared/contracts/job';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Logger } from '@atelier/shared/log/create-logger';
import type { WorkerTimings } from '../config.ts';
import type { OutputStore } from '../ports.ts';
import { outputTexts, type OutputText } from './output-texts.ts';

/** Whether files of ComfyUI's temp folder, which a preview node writes, are kept. */
export type TempOutputs = 'never' | 'when_nothing_else' | 'always';

export interface CollectOutputsOptions {
  outputs: OutputStore;
  /** Asked whether it is there at all, when one file of it is not. */
  client: Pick<ComfyClient, 'queue'>;
  tempOutputs: TempOutputs;
  /** Whether somebody looks at this job as ComfyUI's front end shows it: then its previews are kept beside its outputs. */
  wantsPreviews: () => Promise<boolean>;
  timings: Pick<WorkerTimings, 'retryMs' | 'storeLimitMs'>;
  /** Monotonic, ms. */
  now: () => number;
  signal: AbortSignal;
  log: Logger;
}

/** Stores what one job makes: each file as soon as ComfyUI shows it, a few at a time, in order of appearance. */
export interface OutputCollector {
  /** Takes what is new among the outputs. */
  take(outputs: PromptOutputs): void;
  /** The run succeeded with these outputs: takes the rest, and what was only previewed where that is all there is. */
  complete(outputs: PromptOutputs): void;
  /** Whether all is stored within this time. */
  settlesWithin(ms: number): Promise<boolean>;
  /** What was stored, with a contact sheet where there are several pictures. @throws what storing failed for. */
  stored(): Promise<JobOutput[]>;
}

/** Files fetched and stored at a time: a workflow may put out hundreds. */
const outputLanes = 4;
/** Previews kept of one job. */
const maxPreviews = 100;
/** Tries for a file while ComfyUI answers everything else. */
const maxFileTries = 10;

/** Builds the collector of one job. */
export function collectOutputs(options: CollectOutputsOptions): OutputCollector {
  const { outputs: store, signal } = options;
  const storing = new Map<string, Promise<JobOutput>>();
  const lanes: Promise<unknown>[] = [];
  let previews: Promise<JobOutput[]> = Promise.resolve([]);

  function add(key: string, what: string, keep: (index: number) => Promise<JobOutput>): void {
    if (storing.has(key)) return;
    const index = storing.size;
    const before = lanes[index % outputLanes] ?? Promise.resolve();
    const stored = before.then(() => storeWithPatience(options, what, () => keep(index)));
    lanes[index % outputLanes] = stored.catch(() => {});
    storing.set(key, stored);
  }

  const addFile = (file: OutputFile): void =>
    add(keyOf(file), file.filename, (index) => store.store(file, index, signal));
  const addText = (text: OutputText): void =>
    add(`text/${text.nodeId}/${text.place}`, text.filename, (index) => store.storeText(text, index));

  function takeFiles(outputs: PromptOutputs, temp: boolean): void {
    for (const file of outputFiles(outputs)) if (file.type === 'output' || temp) addFile(file);
  }

  /** Previews that are gone already, or cannot be stored, are left out: they are no part of the result. */
  async function takePreviews(outputs: PromptOutputs): Promise<JobOutput[]> {
    const files = outputFiles(outputs).filter((file) => file.type === 'temp' && !storing.has(keyOf(file)));
    // After the outputs and their contact sheet.
    const first = storing.size + 1;
    const kept: JobOutput[] = [];
    try {
      if (files.length === 0 || !(await options.wantsPreviews())) return [];
      for (const [at, file] of files.slice(0, maxPreviews).entries()) {
        signal.throwIfAborted();
        kept.push({ ...(await store.store(file, first + at, signal)), kind: 'preview' });
      }
    } catch (error) {
      options.log.debug({ err: error }, 'not all previews of this job are kept');
    }
    return kept;
  }

  return {
    take: (outputs) => takeFiles(outputs, options.tempOutputs === 'always'),
    complete(outputs) {
      takeFiles(outputs, options.tempOutputs === 'always');
      for (const text of outputTexts(outputs)) addText(text);
      if (options.tempOutputs === 'never') return;
      if (storing.size === 0) takeFiles(outputs, true);
      previews = takePreviews(outputs);
    },
    async settlesWithin(ms) {
      if (storing.size === 0) return true;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, ms, false)));
      const settled = Promise.allSettled([...storing.values(), previews]).then(() => true);
      try {
        return await Promise.race([settled, late]);
      } finally {
        clearTimeout(timer);
      }
    },
    async stored() {
      const stored = await Promise.all(storing.values());
      const shown = await previews;
      if (stored.filter(isPicture).length < 2) return [...stored, ...shown];
      const sheet = await storeWithPatience(options, 'contact sheet', () => store.storeSheet(stored, stored.length));
      return [...stored, ...(sheet === undefined ? [] : [sheet]), ...shown];
    },
  };
}

const keyOf = ({ type, subfolder, filename }: OutputFile): string => `${type}/${subfolder}/${filename}`;

const isPicture = (output: JobOutput): boolean => output.thumbnailHash !== undefined;

/** Stores one thing; while ComfyUI or the store is away or the disk is full, again and again: the work is done, and waits. */
async function storeWithPatience<T>(options: CollectOutputsOptions, what: string, keep: () => Promise<T>): Promise<T> {
  const { signal, log, now } = options;
  const giveUpAt = now() + options.timings.storeLimitMs;
  for (let failures = 0, tries = 0; ; tries += 1) {
    try {
      return await keep();
    } catch (error) {
      const comfyAway = error instanceof ComfyError && error.code === 'unreachable';
      const storeAway = error instanceof AppError && error.code === 'unavailable';
      if ((!comfyAway && !storeAway) || signal.aborted) throw error;
      if (comfyAway) failures = (await answers(options.client, signal)) ? failures + 1 : 0;
      if (failures >= maxFileTries) {
        throw new ComfyError('refused', `ComfyUI answers, and does not give ${what}.`, { cause: error });
      }
      if (storeAway && now() >= giveUpAt) throw error;
      log.warn({ err: error, output: what }, 'an output could not be stored yet; trying again');
      await sleep(options.timings.retryMs * 2 ** Math.min(tries, maxBackoffs), undefined, { signal });
    }
  }
}

/** Waits between tries double until they are this many doublings of the first. */
const maxBackoffs = 3;

/** Whether ComfyUI is there at all, when one file of it is not. */
async function answers(client: Pick<ComfyClient, 'queue'>, signal: AbortSignal): Promise<boolean> {
  try {
    await client.queue({ signal });
    return true;
  } catch {
    return false;
  }
}

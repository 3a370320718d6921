import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwayError, RefusedError, type AtelierApi, type TerminalCard } from './atelier-api.ts';
import type { ImagineCall } from './imagine-options.ts';
import type { ProgressLine } from './progress-line.ts';

export interface RunImagineDeps {
  api: AtelierApi;
  line: ProgressLine;
  print: (text: string) => void;
  complain: (text: string) => void;
  /** Fires at Ctrl-C: the request is cancelled. */
  signal: AbortSignal;
  pollMs?: number;
  /** How long Atelier may be away before this gives up. */
  patienceMs?: number;
}

const defaultPollMs = 250;
const defaultPatienceMs = 60_000;
const askAgainMs = 500;

/** See the usage text. */
export type ImagineExitCode = 0 | 1 | 2 | 3 | 130;

/** Asks, shows how far it is, writes the files. A restart of Atelier meanwhile is waited out: the request is committed. */
export async function runImagine(call: ImagineCall, deps: RunImagineDeps): Promise<ImagineExitCode> {
  const { api, line } = deps;
  try {
    const body = { eventId: randomUUID(), text: call.words, options: call.options };
    const submitted = await patiently(deps, () => api.submit(body));
    if (submitted.outcome === 'said') {
      deps.print(submitted.text);
      return 0;
    }
    if (submitted.outcome === 'queue') {
      deps.complain('Open the page for the queue; this command makes pictures.');
      return 2;
    }
    const card = await follow(submitted.requestId, deps);
    line.end();
    if (card.state === 'cancelled') return deps.signal.aborted ? 130 : 1;
    if (card.reply !== undefined) deps.print(card.reply);
    return await save(card, call, deps);
  } catch (error) {
    line.end();
    if (error instanceof RefusedError) {
      deps.complain(error.message);
      return 2;
    }
    if (error instanceof AwayError) {
      deps.complain(`${error.message}. Start it with npm start, and see its log.`);
      return 3;
    }
    throw error;
  }
}

async function follow(requestId: string, deps: RunImagineDeps): Promise<TerminalCard> {
  let cancelled = false;
  for (;;) {
    if (deps.signal.aborted && !cancelled) {
      cancelled = true;
      await patiently(deps, () => deps.api.cancel(requestId));
    }
    const card = await patiently(deps, () => deps.api.card(requestId));
    if (card.final) return card;
    deps.line.show(card.progress?.text ?? card.queue?.text ?? card.headline, card.progress?.fraction);
    await sleep(deps.pollMs ?? defaultPollMs);
  }
}

async function save(card: TerminalCard, call: ImagineCall, deps: RunImagineDeps): Promise<ImagineExitCode> {
  const images = card.tiles.map((tile) => tile.image).filter((image) => image !== undefined);
  if (images.length === 0) {
    if (card.reply === undefined) deps.complain(card.error ?? card.headline);
    return card.reply === undefined ? 1 : 0;
  }
  await mkdir(call.outDir, { recursive: true });
  for (const [index, image] of images.entries()) {
    const extension = image.filename.split('.').at(-1) ?? 'png';
    const path = join(call.outDir, `${card.requestId.slice(0, 8)}-${index + 1}.${extension}`);
    await writeFile(path, await patiently(deps, () => deps.api.file(image.hash)));
    deps.print(path);
  }
  if (card.error !== undefined) deps.complain(card.error);
  return 0;
}

/** Goes on asking while Atelier is away, and says so. @throws AwayError after `patienceMs`. */
async function patiently<T>(deps: RunImagineDeps, ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + (deps.patienceMs ?? defaultPatienceMs);
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof AwayError) || performance.now() > deadline) throw error;
      deps.line.show(`${error.message}; waiting for it`);
      await sleep(askAgainMs);
    }
  }
}

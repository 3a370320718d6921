import type { Logger } from 'pino';
import type { JsonObject } from '@atelier/comfyui/json/json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import type { DoorPrompt } from '@atelier/shared/db/gateway/door-prompts';
import type { LivePreview } from '@atelier/shared/contracts/live';
import type { ClientSocket } from '../state/client-hub.ts';
import type { JobFacts } from '../core/jobs/to-job-view.ts';
import type { JobFeed } from '../state/job-feed.ts';
import { createRunEvents, type DoorMessage, type RunEvents } from './core/run-events.ts';
import { previewFrame } from './core/preview-frames.ts';

export interface DoorClient {
  personId: string;
  clientId: string;
  socket: ClientSocket;
  /** It said that it reads previews with their facts. */
  wantsMetadata: boolean;
}

/** Sockets of ComfyUI clients, and the runs that they hear of. */
export interface DoorHub {
  /** Returns the way out. */
  attach(client: DoorClient): () => void;
  /** Told at once, so that its first events find their client. */
  know(prompt: DoorPrompt): void;
  /** The queue's length changed. */
  announceQueue(remaining: number): void;
  readonly clients: number;
  /** Open sockets of a person. */
  clientsOf(personId: string): number;
  close(): void;
}

export interface DoorHubOptions {
  feed: JobFeed;
  findPrompt: (requestId: string) => Promise<DoorPrompt | undefined>;
  readTexts: (facts: JobFacts) => Promise<ReadonlyMap<string, string>>;
  log: Logger;
  now: () => number;
}

interface Run {
  prompt: DoorPrompt;
  events: RunEvents;
}

const maxRuns = 5_000;

/**
 * Who hears what, as ComfyUI does it: a run's messages go to the sockets of its client, or to all of its person's where it
 * has none; the queue's length goes to everybody.
 */
export function createDoorHub(options: DoorHubOptions): DoorHub {
  const { log, now } = options;
  const clients = new Set<DoorClient>();
  const runs = new Map<string, Run>();
  /** Requests whose last word was said: a change that is read again after it must not begin anew. */
  const ended = new Set<string>();
  let remaining = -1;

  function listenersOf({ personId, clientId }: DoorPrompt): DoorClient[] {
    return [...clients].filter(
      (client) => client.personId === personId && (clientId === null || client.clientId === clientId),
    );
  }

  function tell(to: readonly DoorClient[], message: DoorMessage): void {
    if (to.length === 0) return;
    const text = stringifyJson({ type: message.type, data: message.data }, { nonFinite: 'literal' });
    const lossy = message.type === 'progress' || message.type === 'progress_state';
    for (const { socket } of to) socket.send(text, { lossy });
  }

  function keep(prompt: DoorPrompt): Run {
    const known = runs.get(prompt.requestId);
    if (known !== undefined) return known;
    const run = { prompt, events: createRunEvents(prompt, now) };
    runs.set(prompt.requestId, run);
    dropOldest(runs);
    return run;
  }

  async function runOf({ request }: JobFacts): Promise<Run | undefined> {
    const known = runs.get(request.id);
    if (known !== undefined || request.door !== 'api' || request.body.kind !== 'workflow') return known;
    // Somebody of theirs must listen, or nobody needs to know.
    if (![...clients].some(({ personId }) => personId === request.personId)) return undefined;
    const prompt = await options.findPrompt(request.id);
    return prompt === undefined ? undefined : keep(prompt);
  }

  async function takeFacts(facts: JobFacts): Promise<void> {
    if (ended.has(facts.request.id)) return;
    const run = await runOf(facts);
    if (run === undefined) return;
    const texts = facts.request.finishedAt === null ? noTexts : await options.readTexts(facts);
    const { messages, isOver } = run.events.takeFacts(facts, texts);
    const to = listenersOf(run.prompt);
    for (const message of messages) {
      tell(to, message);
      // ComfyUI tells the queue's length between the end of a run and its last word.
      if (message.type.startsWith('execution_') && isOver && isEnd(message.type)) tell(to, status(remaining));
    }
    if (!isOver) return;
    runs.delete(facts.request.id);
    ended.add(facts.request.id);
    dropOldest(ended);
  }

  /** One run's changes in their order: reading may take its time. */
  const chains = new Map<string, Promise<void>>();
  function inOrder(facts: JobFacts): void {
    const { id } = facts.request;
    const next = (chains.get(id) ?? Promise.resolve())
      .then(() => takeFacts(facts))
      .catch((error: unknown) => log.debug({ err: error, request_id: id }, 'a change was not told'))
      .finally(() => {
        if (chains.get(id) === next) chains.delete(id);
      });
    chains.set(id, next);
  }

  function takePreview(facts: JobFacts, preview: LivePreview): void {
    const run = runs.get(facts.request.id);
    if (run === undefined) return;
    const image = Buffer.from(preview.base64, 'base64');
    for (const client of listenersOf(run.prompt)) {
      const about = { promptId: run.prompt.promptId, nodeId: run.events.node ?? '' };
      client.socket.sendBytes(previewFrame(image, client.wantsMetadata ? about : undefined));
    }
  }

  const unwatch = options.feed.watch({
    onChange: inOrder,
    onProgress(facts, progress) {
      const run = runs.get(facts.request.id);
      if (run === undefined) return;
      const to = listenersOf(run.prompt);
      for (const message of run.events.takeProgress(progress)) tell(to, message);
    },
    onPreview: takePreview,
  });

  return {
    get clients() {
      return clients.size;
    },
    clientsOf: (personId) => [...clients].filter((client) => client.personId === personId).length,
    attach(client) {
      clients.add(client);
      const sid = { sid: client.clientId };
      const first: JsonObject = { status: { exec_info: { queue_remaining: Math.max(0, remaining) } }, ...sid };
      tell([client], { type: 'status', data: first });
      for (const { prompt, events } of runs.values()) {
        if (prompt.personId !== client.personId || prompt.clientId !== client.clientId) continue;
        for (const message of events.catchUp()) tell([client], message);
      }
      return () => {
        clients.delete(client);
      };
    },
    know(prompt) {
      keep(prompt);
    },
    announceQueue(open) {
      if (open === remaining) return;
      remaining = open;
      tell([...clients], status(open));
    },
    close: unwatch,
  };
}

function dropOldest(kept: Map<string, unknown> | Set<string>): void {
  const [oldest] = kept.keys();
  if (kept.size > maxRuns && oldest !== undefined) kept.delete(oldest);
}

const noTexts: ReadonlyMap<string, string> = new Map();

function isEnd(type: string): boolean {
  return type === 'execution_success' || type === 'execution_error' || type === 'execution_interrupted';
}

function status(remaining: number): DoorMessage {
  return { type: 'status', data: { status: { exec_info: { queue_remaining: Math.max(0, remaining) } } } };
}

import type { Logger } from 'pino';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import type { LiveProgress } from '@atelier/shared/contracts/live';
import { deriveEvents, hasEnded, statusEvent } from '../core/events/derive-events.ts';
import { createEventLog, parseEventId, type ClientEvent, type EventLog } from '../core/events/event-log.ts';
import { encodePreviewFrame } from '../core/events/preview-frame.ts';
import type { JobView } from '../core/jobs/job-view.ts';
import type { JobFacts } from '../core/jobs/to-job-view.ts';
import type { JobFeed } from './job-feed.ts';
import type { QueueWatch } from './queue-watch.ts';

/** One open connection of a client. */
export interface ClientSocket {
  /** `lossy` messages are left out where the other side reads too slowly. */
  send(text: string, options: { lossy: boolean }): void;
  /** Always lossy. */
  sendBytes(bytes: Buffer): void;
}

export interface ClientHub {
  /**
   * Adds a connection. It is told hello, then what it missed since `lastEventId`, or how its open jobs stand.
   * Returns the way out.
   */
  attach(
    client: { personId: string; clientId: string },
    socket: ClientSocket,
    lastEventId: string | undefined,
  ): () => void;
  /** The client also hears of this request, from now on. */
  subscribe(client: { personId: string; clientId: string }, facts: JobFacts): void;
  readonly clients: number;
  close(): void;
}

export interface ClientHubOptions {
  feed: JobFeed;
  queue: QueueWatch;
  toView: (facts: JobFacts) => JobView;
  /** The client's requests that are unfinished or changed since then. */
  readChanged: (client: { personId: string; clientId: string; since: Date }) => Promise<JobFacts[]>;
  log: Logger;
  now: () => number;
  /** Names this process among all that ever were. */
  epoch: string;
  /** How long a client without a connection is remembered. */
  keepMs?: number;
}

interface Client {
  log: EventLog;
  sockets: Set<ClientSocket>;
  views: Map<string, JobView>;
  subscribed: Set<string>;
  /** Node that each run was last seen in. */
  nodes: Map<string, string>;
  forget: NodeJS.Timeout | undefined;
}

const logCapacity = 1_000;
const maxViews = 500;
/** Clocks of two gateways and commits under way: more is told again rather than lost. */
const overlapMs = 10_000;

/**
 * Who listens to what. A client is a person's program: all its connections hear the same, and for ten minutes after the last
 * one is gone it is kept what they would have heard. After longer, or from another process, the state in Postgres is told.
 */
export function createClientHub(options: ClientHubOptions): ClientHub {
  const { feed, queue, toView, log, now } = options;
  const keepMs = options.keepMs ?? 10 * 60_000;
  const clients = new Map<string, Client>();
  /** Requests that clients asked to hear of, besides their own. */
  const subscribers = new Map<string, Set<string>>();
  let releases: (() => void)[] = [];

  const keyOf = (personId: string, clientId: string): string => `${personId} ${clientId}`;

  function clientsOf(request: RequestRecord): Client[] {
    const keys = new Set(subscribers.get(request.id));
    if (request.door === 'api' && request.place.threadId !== undefined) {
      keys.add(keyOf(request.personId, request.place.threadId));
    }
    return [...keys].flatMap((key) => clients.get(key) ?? []);
  }

  function tell(client: Client, event: ClientEvent, lossy: boolean): void {
    if (client.sockets.size === 0) return;
    const text = JSON.stringify(event);
    for (const socket of client.sockets) socket.send(text, { lossy });
  }

  /** Tells and keeps. */
  function record(client: Client, event: ClientEvent): void {
    tell(client, client.log.append(event), false);
  }

  function takeChange(facts: JobFacts): void {
    const listening = clientsOf(facts.request);
    if (listening.length === 0) return;
    const view = toView(facts);
    for (const client of listening) {
      const before = client.views.get(view.id);
      for (const event of deriveEvents(before, view)) record(client, event);
      if (before === undefined || view.version > before.version) remember(client, view);
    }
    if (hasEnded(view)) subscribers.delete(view.id);
  }

  function remember(client: Client, view: JobView): void {
    client.views.delete(view.id);
    client.views.set(view.id, view);
    if (hasEnded(view)) for (const run of view.runs) client.nodes.delete(run.id);
    if (client.views.size <= maxViews) return;
    const [oldest] = client.views.keys();
    if (oldest !== undefined) client.views.delete(oldest);
  }

  function takeProgress({ request }: JobFacts, progress: LiveProgress): void {
    const { requestId, jobId, nodeId, classType, step, steps, fraction } = progress;
    for (const client of clientsOf(request)) {
      const node = { node: nodeId ?? null, ...(classType === undefined ? {} : { class_type: classType }) };
      if (nodeId !== undefined && client.nodes.get(jobId) !== nodeId) {
        client.nodes.set(jobId, nodeId);
        tell(client, { type: 'executing', data: { prompt_id: requestId, run_id: jobId, ...node } }, true);
      }
      const data = { prompt_id: requestId, run_id: jobId, ...node, value: step ?? 0, max: steps ?? 0, fraction };
      tell(client, { type: 'progress', data }, true);
    }
  }

  function takeQueue(): void {
    for (const client of clients.values()) {
      if (client.sockets.size === 0) continue;
      for (const view of client.views.values()) {
        if (hasEnded(view)) continue;
        const waiting = queue.current.waiting.get(view.id);
        if (waiting === undefined || waiting.position === view.waiting?.position) continue;
        const next = { ...view, waiting };
        client.views.set(view.id, next);
        tell(client, statusEvent(next), true);
      }
    }
  }

  function listen(): void {
    if (releases.length > 0) return;
    releases = [
      feed.watch({
        onChange: takeChange,
        onProgress: takeProgress,
        onPreview({ request }, { jobId, requestId, mediaType, base64 }) {
          const listening = clientsOf(request).filter(({ sockets }) => sockets.size > 0);
          if (listening.length === 0) return;
          const frame = encodePreviewFrame(
            { prompt_id: requestId, run_id: jobId, image_type: mediaType },
            Buffer.from(base64, 'base64'),
          );
          for (const client of listening) for (const socket of client.sockets) socket.sendBytes(frame);
        },
      }),
      queue.watch(takeQueue),
    ];
  }

  function forget(key: string): void {
    const client = clients.get(key);
    if (client === undefined || client.sockets.size > 0) return;
    clients.delete(key);
    for (const requestId of client.subscribed) {
      const keys = subscribers.get(requestId);
      keys?.delete(key);
      if (keys?.size === 0) subscribers.delete(requestId);
    }
    if (clients.size > 0) return;
    for (const release of releases) release();
    releases = [];
  }

  function openClient(key: string): Client {
    const known = clients.get(key);
    if (known !== undefined) return known;
    const client: Client = {
      log: createEventLog({ epoch: options.epoch, capacity: logCapacity, now }),
      sockets: new Set(),
      views: new Map(),
      subscribed: new Set(),
      nodes: new Map(),
      forget: undefined,
    };
    clients.set(key, client);
    return client;
  }

  /** How things stand, for who comes for the first time or was away for too long. */
  async function tellState(
    client: Client,
    socket: ClientSocket,
    who: { personId: string; clientId: string },
    since: Date,
  ): Promise<void> {
    for (const facts of await options.readChanged({ ...who, since })) {
      const view = toView(facts);
      const known = client.views.get(view.id);
      if (known === undefined || view.version >= known.version) remember(client, view);
      const event: ClientEvent = hasEnded(view)
        ? { type: 'result', data: { prompt_id: view.id, status: view.status, job: view } }
        : statusEvent(view);
      socket.send(JSON.stringify(event), { lossy: false });
      // From now on its doorbells are heard; what rang before is in what was just read.
      if (!hasEnded(view)) feed.ring(view.id);
    }
  }

  return {
    get clients() {
      return clients.size;
    },
    attach(who, socket, lastEventId) {
      const key = keyOf(who.personId, who.clientId);
      listen();
      const client = openClient(key);
      clearTimeout(client.forget);
      const position = lastEventId === undefined ? undefined : parseEventId(lastEventId);
      const missed = position === undefined ? undefined : client.log.since(position);
      const resumed = missed !== undefined;
      const say = (event: ClientEvent): void => socket.send(JSON.stringify(event), { lossy: false });
      say({ type: 'system', data: { event: 'hello', client_id: who.clientId, resumed } });
      for (const event of missed ?? []) say(event);
      client.sockets.add(socket);
      // Its id is that of now, and it comes last: a socket that breaks before it begins anew where it was.
      const ready: ClientEvent = { type: 'system', data: { event: 'ready' }, id: client.log.position() };
      if (resumed) {
        say(ready);
      } else {
        const since = new Date(position === undefined ? now() : position.atMs - overlapMs);
        tellState(client, socket, who, since).then(
          () => say(ready),
          (error: unknown) => {
            log.warn({ err: error }, 'a socket was not told how its jobs stand');
            const detail = 'Connect again to hear how your jobs stand.';
            say({ type: 'system', data: { event: 'error', code: 'CONNECTION_ERROR', detail } });
          },
        );
      }
      return () => {
        client.sockets.delete(socket);
        if (client.sockets.size > 0) return;
        clearTimeout(client.forget);
        client.forget = setTimeout(() => forget(key), keepMs);
        client.forget.unref();
      };
    },
    subscribe(who, facts) {
      const key = keyOf(who.personId, who.clientId);
      const client = clients.get(key);
      if (client === undefined) return;
      const view = toView(facts);
      remember(client, view);
      const event: ClientEvent = hasEnded(view)
        ? { type: 'result', data: { prompt_id: view.id, status: view.status, job: view } }
        : statusEvent(view);
      record(client, event);
      if (hasEnded(view)) return;
      client.subscribed.add(view.id);
      const keys = subscribers.get(view.id) ?? new Set();
      subscribers.set(view.id, keys.add(key));
      feed.ring(view.id);
    },
    close() {
      for (const client of clients.values()) clearTimeout(client.forget);
      for (const release of releases) release();
      releases = [];
      clients.clear();
    },
  };
}

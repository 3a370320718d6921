import type { StreamName, SubjectAnswer, SubjectData, SubjectKeyOf } from '../contracts/subjects.ts';
import type { SubjectTokenFilter, SubjectTokens } from './subject-names.ts';

/** What is known of a received message besides its data. */
export interface MessageContext {
  id: string;
  correlationId: string;
  /** ISO 8601, by the sender's clock. */
  time: string;
  /** The values of the subject's `{name}` places. */
  tokens: Record<string, string>;
  /** W3C trace context, where the sender gave one: its trace is the correlation id. */
  traceparent?: string;
}

export interface DeliveredContext extends MessageContext {
  /** 1 at the first delivery. */
  attempt: number;
  /** Aborted when the service stops: finish early, or throw an error that may be retried. */
  signal: AbortSignal;
}

/** A message that was given up; what could not be read is absent. */
export interface DeadContext extends Partial<MessageContext> {
  tokens: Record<string, string>;
  attempt: number;
}

export interface ConsumeOptions<K extends SubjectKeyOf<'stream'>> {
  /** Instances that give the same name share the work. Every filter needs a name of its own. */
  durable: string;
  /** Only what carries these tokens. */
  tokens?: SubjectTokenFilter<K>;
  /**
   * Done when it resolves. An AppError whose `retry` is `never` gives the message up at once; any other error has it
   * delivered again, after `afterMs` or with back-off from 250 ms to 30 s.
   */
  handler: (data: SubjectData<K>, context: DeliveredContext) => Promise<void>;
  /**
   * Takes what was given up: fail its row and tell the person. `data` is undefined where the message did not parse.
   * While this throws, the message stays and is offered to it again every 5 s.
   */
  onDead: (data: SubjectData<K> | undefined, error: unknown, context: DeadContext) => Promise<void>;
  /** Deliveries before the message is given up; default 5. */
  maxDeliver?: number;
  /** How soon a message is delivered again after its consumer died; default 30 s. A handler may run longer. */
  ackWaitMs?: number;
  /** Handlers at a time; default 1. */
  concurrency?: number;
}

export interface Subscription {
  /** No more messages; waits for handlers that run. */
  stop(): Promise<void>;
}

export interface Consumption extends Subscription {
  /** Resolves once the consumer exists on the server; never rejects. */
  readonly ready: Promise<void>;
}

export interface PublishOptions {
  /** The outbox id: JetStream drops a repeat of it within two minutes, and it is the message's id. */
  id: string;
  correlationId: string;
  /** How long to go on while NATS is away; default 5 s; 0 tries once. */
  waitMs?: number;
}

/** A message as the outbox keeps it. */
export interface OutboxMessage {
  id: string;
  key: SubjectKeyOf<'stream'>;
  tokens: Record<string, string>;
  data: unknown;
  correlationId: string;
}

export interface AskOptions {
  /** Default 2 s, for the whole question with its repeats. */
  timeoutMs?: number;
  correlationId?: string;
  /** Asks again while NATS or the other side is away, until `timeoutMs`. Only for what may be asked twice. */
  repeat?: boolean;
}

/**
 * NATS for one service. Everything is parsed by the table of subjects on its way out and in. The connection returns by
 * itself; streams and consumers that a server has lost are declared again.
 */
export interface Bus {
  readonly connected: boolean;
  /** Called at every loss (false) and return (true) of the connection. Returns the way out. */
  onConnectionChange(listener: (connected: boolean) => void): () => void;
  /** Called after a reconnect, when the streams exist again: time to look into Postgres for what was missed. */
  onReconnect(listener: () => void): () => void;

  /** Declares the streams. Done at connect and at every reconnect. @throws AppError `unavailable`, `config`. */
  declareStreams(): Promise<void>;
  /** The name of a stream on the server. */
  streamName(name: StreamName): string;

  /**
   * Publishes to a stream; resolves when it is stored.
   * @throws AppError `unavailable` (retry later with the same id), `too_large`, `internal` (does not fit the schema).
   */
  publish<K extends SubjectKeyOf<'stream'>>(
    key: K,
    tokens: SubjectTokens<K>,
    data: SubjectData<K>,
    options: PublishOptions,
  ): Promise<{ duplicate: boolean }>;
  /** {@link publish} for the outbox relay: fails at once while NATS is away, since the relay's sweep comes again. */
  publishOutbox(message: OutboxMessage): Promise<void>;
  /** Work from a stream, each message to one instance, until it is done or given up. */
  consume<K extends SubjectKeyOf<'stream'>>(key: K, options: ConsumeOptions<K>): Consumption;
  /** Each instance hears each message of a stream subject that is published while it is connected. */
  subscribeDoorbell<K extends SubjectKeyOf<'stream'>>(
    key: K,
    tokens: SubjectTokenFilter<K>,
    handler: (data: SubjectData<K>, context: MessageContext) => void | Promise<void>,
  ): Subscription;

  /** Fire and forget: dropped while NATS is away or slow. Never throws. */
  publishLive<K extends SubjectKeyOf<'live'>>(
    key: K,
    tokens: SubjectTokens<K>,
    data: SubjectData<K>,
    correlationId: string,
  ): void;
  subscribeLive<K extends SubjectKeyOf<'live'>>(
    key: K,
    tokens: SubjectTokenFilter<K>,
    handler: (data: SubjectData<K>, context: MessageContext) => void | Promise<void>,
  ): Subscription;

  /**
   * Asks whoever answers.
   * @throws AppError `unavailable` where nobody answers in time, else with the code that the other side gave.
   */
  ask<K extends SubjectKeyOf<'control'>>(
    key: K,
    tokens: SubjectTokens<K>,
    data: SubjectData<K>,
    options?: AskOptions,
  ): Promise<SubjectAnswer<K>>;
  /** Answers; of several instances of a service, one does. What the handler throws crosses as its code and public message. */
  answer<K extends SubjectKeyOf<'control'>>(
    key: K,
    tokens: SubjectTokenFilter<K>,
    handler: (data: SubjectData<K>, context: MessageContext) => Promise<SubjectAnswer<K>>,
  ): Subscription;

  /** Resolves when the server has seen all that was sent and subscribed. @throws AppError `unavailable`. */
  flush(): Promise<void>;
  /** Ends consumers and subscriptions in good order, sends what is buffered, closes. */
  close(): Promise<void>;
}

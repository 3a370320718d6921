import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { Logger } from 'pino';
import type { MessageCodec } from './message-codec.ts';
import type { NatsLink } from './nats-link.ts';
import type { SubjectNames } from './subject-names.ts';

/** What the parts of a bus share. */
export interface BusParts {
  link: NatsLink;
  js: JetStreamClient;
  jsm: JetStreamManager;
  codec: MessageCodec;
  names: SubjectNames;
  log: Logger;
  /** Declares the streams; calls at the same time share one round. */
  declareStreams: () => Promise<void>;
}

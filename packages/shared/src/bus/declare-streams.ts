import {
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { streams, type StreamName } from '../contracts/subjects.ts';
import { AppError } from '../errors/app-error.ts';
import { isStreamNameInUse, isStreamNotFound } from './bus-error.ts';
import type { SubjectNames } from './subject-names.ts';

/** How long JetStream remembers a `Nats-Msg-Id`: longer than the outbox takes to publish again after a crash. */
const duplicateWindowMs = 120_000;

type DeclaredConfig = Pick<
  StreamConfig,
  'name' | 'subjects' | 'retention' | 'discard' | 'max_age' | 'max_msgs' | 'duplicate_window' | 'storage'
>;

/**
 * Makes the streams of the table exist as it says. What differs is updated; what the table is silent about, such as
 * replicas, stays as the operator set it. Any number of services may do this at once.
 *
 * @throws AppError `config` where a stream of that name keeps messages by another policy, which no update can change.
 */
export async function declareStreams(jsm: JetStreamManager, names: SubjectNames): Promise<void> {
  await Promise.all(
    (Object.keys(streams) as StreamName[]).map((name) => declareStream(jsm, streamConfig(name, names))),
  );
}

function streamConfig(name: StreamName, names: SubjectNames): DeclaredConfig {
  const spec = streams[name];
  return {
    name: names.stream(name),
    subjects: names.streamSubjects(name),
    retention: spec.retention === 'workqueue' ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    discard: spec.discard === 'new' ? DiscardPolicy.New : DiscardPolicy.Old,
    max_age: nanos(spec.maxAgeMs),
    max_msgs: spec.maxMessages,
    duplicate_window: nanos(duplicateWindowMs),
    storage: StorageType.File,
  };
}

async function declareStream(jsm: JetStreamManager, config: DeclaredConfig): Promise<void> {
  const existing = await findStream(jsm, config.name);
  if (existing === undefined) {
    try {
      await jsm.streams.add(config);
      return;
    } catch (thrown) {
      if (!isStreamNameInUse(thrown)) throw thrown;
    }
  }
  const current = existing ?? (await jsm.streams.info(config.name)).config;
  if (current.retention !== config.retention || current.storage !== config.storage) {
    throw new AppError(
      'config',
      `the NATS stream ${config.name} exists with retention ${current.retention} on ${current.storage}, which cannot be ` +
        `changed to ${config.retention} on ${config.storage}: delete it or set another NATS_PREFIX`,
    );
  }
  if (differs(current, config)) await jsm.streams.update(config.name, config);
}

async function findStream(jsm: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  try {
    return (await jsm.streams.info(name)).config;
  } catch (thrown) {
    if (isStreamNotFound(thrown)) return undefined;
    throw thrown;
  }
}

function differs(current: StreamConfig, wanted: DeclaredConfig): boolean {
  return (Object.keys(wanted) as (keyof DeclaredConfig)[]).some(
    (field) => JSON.stringify(current[field]) !== JSON.stringify(wanted[field]),
  );
}

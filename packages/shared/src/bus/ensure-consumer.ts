import { AckPolicy, DeliverPolicy, type ConsumerConfig, type ConsumerInfo } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { streams, type StreamName } from '../contracts/subjects.ts';
import type { BusParts } from './bus-parts.ts';
import { isConsumerExists, isConsumerNotFound, isStreamNotFound } from './bus-error.ts';

export interface WantedConsumer {
  stream: StreamName;
  durable: string;
  filterSubject: string;
  ackWaitMs: number;
  /**
   * Where a consumer of a limits stream begins when it has to be created: ISO 8601 by the server's clock, or undefined
   * for what comes from now on. A work queue is always taken from its beginning.
   */
  startTime: string | undefined;
}

/** Makes the consumer exist with these settings, and its stream too. Any number of instances may do this at once. */
export async function ensureConsumer(parts: BusParts, wanted: WantedConsumer): Promise<ConsumerInfo> {
  const { jsm, names } = parts;
  const stream = names.stream(wanted.stream);
  const durable = names.consumer(wanted.durable);
  const changeable = {
    filter_subject: wanted.filterSubject,
    ack_wait: nanos(wanted.ackWaitMs),
    // The limit is ours to count: a message beyond the server's would stay in the stream and reach nobody.
    max_deliver: -1,
  } satisfies Partial<ConsumerConfig>;

  const existing = await find();
  if (existing === undefined) {
    try {
      return await jsm.consumers.add(stream, {
        ...changeable,
        ...deliverFrom(wanted),
        durable_name: durable,
        ack_policy: AckPolicy.Explicit,
      });
    } catch (thrown) {
      if (!isConsumerExists(thrown)) throw thrown;
    }
  }
  const info = existing ?? (await jsm.consumers.info(stream, durable));
  const differs = (Object.keys(changeable) as (keyof typeof changeable)[]).some(
    (field) => info.config[field] !== changeable[field],
  );
  return differs ? jsm.consumers.update(stream, durable, changeable) : info;

  async function find(): Promise<ConsumerInfo | undefined> {
    try {
      return await jsm.consumers.info(stream, durable);
    } catch (thrown) {
      if (isConsumerNotFound(thrown)) return undefined;
      if (!isStreamNotFound(thrown)) throw thrown;
      await parts.declareStreams();
      return undefined;
    }
  }
}

function deliverFrom(wanted: WantedConsumer): Partial<ConsumerConfig> {
  if (streams[wanted.stream].retention === 'workqueue') return { deliver_policy: DeliverPolicy.All };
  if (wanted.startTime === undefined) return { deliver_policy: DeliverPolicy.New };
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: wanted.startTime };
}

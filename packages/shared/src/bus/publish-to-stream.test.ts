import { errors } from '@nats-io/nats-core';
import { describe, expect, it } from 'vitest';
import type { BusParts } from './bus-parts.ts';
import { createMessageCodec } from './message-codec.ts';
import { publishToStream } from './publish-to-stream.ts';
import { createSubjectNames } from './subject-names.ts';

const requestId = '7d3b1f7e-1f3c-4a55-8a53-2f4f3d1e9a22';
const event = { requestId, door: 'web', state: 'accepted', version: 3 } as const;
const noStream = (): Error => new errors.NoRespondersError('requests.v1');
const away = (): Error => new errors.ClosedConnectionError();

/** A NATS whose answers are given: an error is thrown, nothing is an acknowledgement. */
function natsThatAnswers(answers: { publish: (Error | undefined)[]; declare?: (Error | undefined)[] }) {
  const publish = [...answers.publish];
  const declare = [...(answers.declare ?? [])];
  const done: string[] = [];
  const next = (what: string, list: (Error | undefined)[]): Promise<void> => {
    done.push(what);
    const error = list.shift();
    return error === undefined ? Promise.resolve() : Promise.reject(error);
  };
  const parts = {
    link: { whileConnected: (work: () => Promise<unknown>) => work(), waitUntilConnected: () => Promise.resolve() },
    js: { publish: () => next('publish', publish).then(() => ({ duplicate: false })) },
    names: createSubjectNames(undefined),
    codec: createMessageCodec({ randomId: () => requestId, now: () => 0 }),
    declareStreams: () => next('declare', declare),
  } as unknown as BusParts;
  const send = (waitMs: number) =>
    publishToStream(parts, 'requestSubmitted', {}, event, { id: requestId, correlationId: requestId, waitMs });
  return { send, done };
}

describe('publishing to a stream', () => {
  it('declares the streams a server has lost, once', async () => {
    const { send, done } = natsThatAnswers({ publish: [noStream()] });
    expect(await send(1_000)).toEqual({ duplicate: false });
    expect(done).toEqual(['publish', 'declare', 'publish']);
  });

  it('waits out a connection that is lost while it declares them', async () => {
    const { send, done } = natsThatAnswers({ publish: [noStream(), noStream()], declare: [away()] });
    expect(await send(5_000)).toEqual({ duplicate: false });
    expect(done).toEqual(['publish', 'declare', 'publish', 'declare', 'publish']);
  });

  it('gives up at once where it may not wait', async () => {
    const { send, done } = natsThatAnswers({ publish: [away()] });
    await expect(send(0)).rejects.toMatchObject({ code: 'unavailable' });
    expect(done).toEqual(['publish']);
  });
});

import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { JobListener } from '../state/job-feed.ts';
import { createDoorHub } from './door-hub.ts';
import { doorPrompt, factsOf, output, personId } from './testing/door-facts.ts';

it('tells an end once, though the change is read again after it', async () => {
  let listener: JobListener | undefined;
  const hub = createDoorHub({
    feed: {
      watch(given) {
        listener = given;
        return () => {};
      },
      ring: () => {},
      takeProgress: () => {},
      takePreview: () => {},
      reconcile: () => Promise.resolve(),
    },
    findPrompt: () => Promise.resolve(doorPrompt),
    readTexts: () => Promise.resolve(new Map()),
    log: pino({ level: 'silent' }),
    now: () => 0,
  });
  const heard: string[] = [];
  const last = Promise.withResolvers<void>();
  hub.attach({
    personId,
    clientId: 'editor',
    wantsMetadata: false,
    socket: {
      send(text: string) {
        heard.push(text);
        if (text.includes('"queue_remaining":3')) last.resolve();
      },
      sendBytes: () => {},
    },
  });
  const done = factsOf('succeeded', { state: 'succeeded', outputs: [output()] });
  listener?.onChange(factsOf('working', { state: 'running' }));
  listener?.onChange(done);
  listener?.onChange(done);
  listener?.onChange(factsOf('working', { state: 'running' }));
  // Changes are told one after the other: what follows them is heard after a turn of each.
  await new Promise((resolve) => setImmediate(resolve));
  hub.announceQueue(3);
  await last.promise;
  const types = heard.map((text) => /"type":\s*"(\w+)"/.exec(text)?.[1]);
  expect(types.filter((type) => type === 'execution_start')).toHaveLength(1);
  expect(types.filter((type) => type === 'execution_success')).toHaveLength(1);
  expect(types.slice(-3)).toEqual(['status', 'executing', 'status']);
});

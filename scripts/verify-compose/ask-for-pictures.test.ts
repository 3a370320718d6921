import { expect, test } from 'vitest';
import { AwayError, RefusedError, type AtelierApi, type TerminalCard } from '@atelier/launcher/imagine/atelier-api';
import { fetchPictures, submitWords } from './ask-for-pictures.ts';

const requestId = '00000000-0000-4000-8000-000000000001';
const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1]);

function cardWith(hashes: readonly string[], state = 'succeeded'): TerminalCard {
  const tiles = hashes.map((hash) => ({ image: { hash, filename: `${hash}.png`, mediaType: 'image/png' } }));
  return { requestId, state, final: true, headline: state, tiles };
}

function apiWith(part: Partial<AtelierApi>): AtelierApi {
  return {
    submit: async () => ({ outcome: 'accepted', requestId }),
    card: async () => cardWith(['a', 'b']),
    cancel: async () => undefined,
    file: async () => png,
    ...part,
  };
}

test('a part that is away for a moment is waited for', async () => {
  let calls = 0;
  const api = apiWith({
    async submit() {
      calls += 1;
      if (calls === 1) throw new AwayError('not now');
      return { outcome: 'accepted', requestId };
    },
  });
  expect(await submitWords(api, 'a fox', 'event', 5_000)).toBe(requestId);
  expect(calls).toBe(2);
});

test('what is refused for good, or is no request, fails at once', async () => {
  const refusing = apiWith({
    async submit() {
      throw new RefusedError('no');
    },
  });
  await expect(submitWords(refusing, 'a fox', 'event', 5_000)).rejects.toThrow('no');
  const talking = apiWith({ submit: async () => ({ outcome: 'said', text: 'hello' }) });
  await expect(submitWords(talking, 'help', 'event', 5_000)).rejects.toThrow('not taken as a request');
});

test('a result has exactly the pictures that were asked for, all different, all PNG', async () => {
  expect(await fetchPictures(apiWith({}), requestId, 2, 1_000)).toEqual([png, png]);
  const wrong: [part: Partial<AtelierApi>, message: string][] = [
    [{ card: async () => cardWith(['a']) }, '2 pictures were asked for, and the card shows 1 of 1'],
    [{ card: async () => cardWith(['a', 'a']) }, '2 pictures were asked for, and the card shows 1 of 2'],
    [{ card: async () => cardWith(['a', 'b', 'c']) }, '2 pictures were asked for, and the card shows 3 of 3'],
    [{ card: async () => cardWith(['a', 'b'], 'failed') }, 'the request ended as "failed"'],
    [{ file: async () => Uint8Array.from([0xff, 0xd8, 0xff]) }, 'a picture is no PNG file'],
  ];
  for (const [part, message] of wrong) {
    await expect(fetchPictures(apiWith(part), requestId, 2, 1_000)).rejects.toThrow(message);
  }
});

test('a result that does not come is given up in time', async () => {
  const api = apiWith({ card: async () => ({ ...cardWith([]), final: false }) });
  await expect(fetchPictures(api, requestId, 1, 1)).rejects.toThrow('the result did not come within 1 ms');
});

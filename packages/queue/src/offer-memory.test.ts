import { expect, it } from 'vitest';
import { createOfferMemory } from './offer-memory.ts';

it('reads each registry once, and forgets it with its last instance', async () => {
  const asked: string[][] = [];
  const remember = createOfferMemory(async (hashes) => {
    asked.push([...hashes]);
    return hashes.map((registryHash) => ({ registryHash, classes: [`class of ${registryHash}`], models: null }));
  });
  const look = async (...hashes: (string | null)[]): Promise<string[]> => [
    ...(await remember(hashes.map((registryHash) => ({ registryHash })))).keys(),
  ];
  expect(await look('a', null, 'a')).toEqual(['a']);
  expect(await look('a', 'b')).toEqual(['a', 'b']);
  expect(await look('b')).toEqual(['b']);
  expect(await look('b', 'a')).toEqual(['b', 'a']);
  expect(asked).toEqual([['a'], ['b'], ['a']]);
  const offers = await remember([{ registryHash: 'a' }]);
  expect(offers.get('a')).toEqual({ classes: new Set(['class of a']), models: undefined });
});

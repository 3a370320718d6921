import { expect, test } from 'vitest';
import { samplerInputs } from '../registry/testing/sampler-inputs.ts';
import { hashSecret, pythonHash } from './python-hash.ts';
import { PythonSet } from './python-set.ts';

// Every expectation is what CPython 3.11 gave under that PYTHONHASHSEED.
test.each([
  [0, [723639422953938056n, 6047309291227476195n, 7116994712188270n, 10987142548536946724n, 17616997933159550961n]],
  [1, [9149470943670852649n, 8133168473585362875n, 4108418643989797081n, 15008329472862219624n, 13086918656882354775n]],
  [
    4000000000,
    [12694691345416352282n, 10516263976642332017n, 1386100614030673818n, 17817980520135041297n, 10937391465678629103n],
  ],
])('hashes under seed %i', (seed, expected) => {
  const secret = hashSecret(seed);
  const hashes = ['KSampler', 'é', '日本語', '🎨 a', 'abcdefghij'].map((text) => {
    const { high, low } = pythonHash(text, secret);
    return (BigInt(high) << 32n) | BigInt(low);
  });
  expect(hashes).toEqual(expected);
  expect(pythonHash('', secret)).toEqual({ high: 0, low: 0 });
});

test.each([
  [0, 'denoise positive cfg negative seed scheduler b model steps a sampler_name latent_image'],
  [1, 'sampler_name denoise positive cfg steps negative scheduler latent_image a b seed model'],
  [4000000000, 'denoise steps a negative model b seed positive scheduler latent_image sampler_name cfg'],
])('order of a union of two sets under seed %i', (seed, expected) => {
  const secret = hashSecret(seed);
  const union = PythonSet.fromKeys(samplerInputs, secret).union(PythonSet.fromKeys(['a', 'b'], secret));
  expect(union.values()).toEqual(expected.split(' '));
});

test('adding twice changes nothing, and a set that grows keeps all', () => {
  const set = new PythonSet(hashSecret(7));
  const keys = Array.from({ length: 500 }, (_, index) => `key${index}`);
  for (const key of [...keys, ...keys]) set.add(key);
  expect(set.values()).toHaveLength(500);
  expect(new Set(set.values())).toEqual(new Set(keys));
});

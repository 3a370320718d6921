import { describe, expect, it } from 'vitest';
import { createOutputCache } from './output-cache.ts';

const keys = (entries: Record<string, string>): Map<string, string> => new Map(Object.entries(entries));
const value = { outputs: [] };

describe('the output cache', () => {
  it('keeps the nodes of the last prompt by signature, whatever their ids', () => {
    const cache = createOutputCache({ kind: 'classic' });
    cache.begin(keys({ a: 'k1', b: 'k2' }));
    cache.set('a', value);
    cache.set('b', value);
    cache.begin(keys({ other: 'k1' }));
    expect(cache.get('other')).toBe(value);
    cache.begin(keys({ a: 'k1', b: 'k2' }));
    expect(cache.get('a')).toBe(value);
    expect(cache.get('b')).toBeUndefined();
  });

  it('keeps the most recently used nodes in lru mode, never dropping those of the running prompt', () => {
    const cache = createOutputCache({ kind: 'lru', maxNodes: 2 });
    cache.begin(keys({ a: 'k1', b: 'k2', c: 'k3' }));
    for (const id of ['a', 'b', 'c']) cache.set(id, value);
    expect(['a', 'b', 'c'].map((id) => cache.get(id))).toEqual([value, value, value]);
    cache.begin(keys({ d: 'k4' }));
    cache.set('d', value);
    cache.begin(keys({ c: 'k3', a: 'k1' }));
    expect(cache.get('c')).toBe(value);
    expect(cache.get('a')).toBeUndefined();
  });

  it('forgets everything between prompts in none mode, and on clear', () => {
    const cache = createOutputCache({ kind: 'none' });
    cache.begin(keys({ a: 'k1' }));
    cache.set('a', value);
    expect(cache.get('a')).toBe(value);
    cache.begin(keys({ a: 'k1' }));
    expect(cache.get('a')).toBeUndefined();
    cache.set('a', value);
    cache.clear();
    expect(cache.get('a')).toBeUndefined();
  });
});

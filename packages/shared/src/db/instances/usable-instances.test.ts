import { describe, expect, test } from 'vitest';
import { mayUseInstance, usableInstances } from './usable-instances.ts';

const instance = (id: string, reservedFor: string[] | null = null, alive = true, registryHash: string | null = id) => ({
  id,
  alive,
  registryHash,
  reservedFor,
});
const idsFor = (instances: ReturnType<typeof instance>[], person?: string): string[] =>
  usableInstances(instances, person).map(({ id }) => id);

describe('the instances of a person', () => {
  const all = [instance('shared'), instance('of-bob', ['bob']), instance('of-both', ['bob', 'ada'])];

  test('are theirs first, then everybody’s; others’ do not exist', () => {
    expect(idsFor(all, 'ada')).toEqual(['of-both', 'shared']);
    expect(idsFor(all, 'bob')).toEqual(['of-bob', 'of-both', 'shared']);
    expect(idsFor(all, 'eve')).toEqual(['shared']);
  });

  test('of nobody in particular are those that serve everybody', () => {
    expect(idsFor(all)).toEqual(['shared']);
    expect(mayUseInstance({ reservedFor: [] })).toBe(false);
  });

  test('are those that were last known where none of theirs lives, and never those that told nothing', () => {
    expect(idsFor([instance('gone', null, false), instance('new', null, true, null)], 'ada')).toEqual(['gone']);
    expect(idsFor([instance('gone', null, false), instance('here')], 'ada')).toEqual(['here']);
    expect(idsFor([instance('of-bob', ['bob']), instance('gone', null, false)], 'ada')).toEqual(['gone']);
  });
});

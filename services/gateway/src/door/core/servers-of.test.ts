import { describe, expect, it } from 'vitest';
import { serversOf } from './servers-of.ts';

const [ada, bob] = ['7f4d7c1e-30a5-4c6b-8a39-111111111111', '7f4d7c1e-30a5-4c6b-8a39-222222222222'];
const server = (id: string, reservedFor: string[] | null = null, alive = true, registryHash: string | null = id) => ({
  id,
  alive,
  registryHash,
  reservedFor,
  status: null,
});
const idsFor = (instances: ReturnType<typeof server>[], person: string): string[] =>
  serversOf(instances, person).map(({ id }) => id);

describe('the servers behind a person’s door', () => {
  it('are theirs first, then everybody’s; others’ do not exist', () => {
    const all = [server('shared'), server('of-bob', [bob]), server('of-ada', [ada])];
    expect(idsFor(all, ada)).toEqual(['of-ada', 'shared']);
    expect(idsFor(all, bob)).toEqual(['of-bob', 'shared']);
  });
  it('are those that were last known where none lives, and never those that told nothing', () => {
    expect(idsFor([server('gone', null, false), server('new', null, true, null)], ada)).toEqual(['gone']);
    expect(idsFor([server('gone', null, false), server('here')], ada)).toEqual(['here']);
    expect(idsFor([server('of-bob', [bob]), server('gone', null, false)], ada)).toEqual(['gone']);
  });
});

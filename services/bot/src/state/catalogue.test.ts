import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { RecipeList } from '@atelier/shared/contracts/control';
import { createCatalogue } from './catalogue.ts';

const listOf = (...models: string[]): RecipeList => ({ recipes: [], models });

function setUp(answer: (personId: string) => Promise<RecipeList>) {
  const asked: string[] = [];
  let now = 0;
  const catalogue = createCatalogue({
    ask(personId) {
      asked.push(personId);
      return answer(personId);
    },
    now: () => now,
    log: pino({ level: 'silent' }),
  });
  return { asked, catalogue, pass: (ms: number) => (now += ms) };
}

describe('what the servers can make', () => {
  it('is each person’s own, and asked for once while it is fresh', async () => {
    const { asked, catalogue } = setUp(async (personId) => listOf(`of-${personId}`));
    const both = await Promise.all([catalogue.of('ada'), catalogue.of('ada'), catalogue.of('mei')]);
    expect(both.map(({ models }) => models[0])).toEqual(['of-ada', 'of-ada', 'of-mei']);
    await catalogue.of('ada');
    expect(asked).toEqual(['ada', 'mei']);
  });

  it('serves while it is asked for again, also where nobody answers', async () => {
    const answers = [async () => listOf('old'), () => Promise.reject(new Error('away')), async () => listOf('new')];
    const { asked, catalogue, pass } = setUp(() => answers.shift()?.() ?? Promise.reject(new Error('too often')));
    expect(await catalogue.of('ada')).toEqual(listOf('old'));
    pass(61_000);
    expect(await catalogue.of('ada')).toEqual(listOf('old'));
    await expect.poll(async () => (await catalogue.of('ada')).models).toEqual(['new']);
    expect(asked).toHaveLength(3);
  });

  it('is empty where the agent is away from the start', async () => {
    const { catalogue } = setUp(() => Promise.reject(new Error('away')));
    expect(await catalogue.of('ada')).toEqual(listOf());
  });
});

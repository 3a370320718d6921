import { expect, it } from 'vitest';
import { createDiscordMessages } from './discord-messages.ts';

it('tells of each wait that Discord asks for, and goes on after it', async () => {
  const answers = [
    new Response(JSON.stringify({ message: 'slow down', retry_after: 0.05, global: false }), {
      status: 429,
      headers: { 'retry-after': '0.05', 'content-type': 'application/json' },
    }),
    new Response(JSON.stringify({ id: '42' }), { headers: { 'content-type': 'application/json' } }),
  ];
  const stalls: number[] = [];
  const messages = createDiscordMessages({
    token: 'test',
    apiUrl: 'http://127.0.0.1:9/api',
    guard: { makeRequest: () => Promise.resolve(answers.shift() ?? Response.error()) },
    onStall: (waitMs) => stalls.push(waitMs),
  });
  expect(await messages.readApplicationId()).toBe('42');
  expect(stalls).toHaveLength(1);
  expect(stalls[0]).toBeGreaterThanOrEqual(50);
  expect(stalls[0]).toBeLessThan(2_000);
});

import { expect, it } from 'vitest';
import { createRequestGuard } from './guard-requests.ts';

const messagesUrl = 'https://discord.com/api/v10/channels/1/messages';
const callbackUrl = 'https://discord.com/api/v10/interactions/1/token/callback';

function guarded(statuses: (url: string) => { status: number; scope?: string }) {
  let at = 0;
  let calls = 0;
  const guard = createRequestGuard({
    now: () => at,
    windowMs: 1_000,
    maxRefused: 3,
    async makeRequest(url) {
      calls += 1;
      const { status, scope } = statuses(url);
      const headers = { 'retry-after': '1', ...(scope === undefined ? {} : { 'x-ratelimit-scope': scope }) };
      return new Response(null, { status, headers });
    },
  });
  return {
    guard,
    call: (url = messagesUrl) => guard.makeRequest(url, {}),
    pass: (ms: number) => (at += ms),
    calls: () => calls,
  };
}

it.each([401, 403, 429])('calls no more after too many answers %i, until they are forgotten', async (status) => {
  const { call, pass, calls } = guarded(() => ({ status }));
  await call();
  pass(100);
  await call();
  await call();
  await expect(call()).rejects.toMatchObject({ kind: 'rate_limited', afterMs: 900 });
  expect(calls()).toBe(3);
  pass(900);
  await call();
  expect(calls()).toBe(4);
  await expect(call()).rejects.toMatchObject({ afterMs: 100 });
});

it('still acknowledges interactions then, up to a limit of their own', async () => {
  const { call, calls } = guarded(() => ({ status: 403 }));
  for (let count = 0; count < 12; count++) await call(callbackUrl);
  await expect(call(callbackUrl)).rejects.toMatchObject({ kind: 'rate_limited' });
  await expect(call()).rejects.toMatchObject({ kind: 'rate_limited' });
  expect(calls()).toBe(12);
});

it.each([{ status: 200 }, { status: 404 }, { status: 500 }, { status: 429, scope: 'shared' }])(
  'does not mind $status $scope',
  async (answer) => {
    const { guard, call } = guarded(() => answer);
    for (let count = 0; count < 10; count++) await call();
    expect(guard.refused).toBe(0);
  },
);

it.each([
  ['an edit too many of an old message', '{"code":30046}', { 'retry-after': '1' }, { kind: 'edited_too_often' }],
  ['a refusal without a time', 'error code: 1015', {}, { kind: 'rate_limited', afterMs: 60_000 }],
])('ends %s, which the library would repeat without end', async (_what, body, headers, failure) => {
  const answer = new Response(body, { status: 429, headers: headers as Record<string, string> });
  const guard = createRequestGuard({ now: () => 0, makeRequest: async () => answer });
  await expect(guard.makeRequest(messagesUrl, {})).rejects.toMatchObject(failure);
});

it('hands on a refusal that names its time', async () => {
  const body = JSON.stringify({ retry_after: 1.5, code: 0 });
  const answer = new Response(body, { status: 429, headers: { 'retry-after': '1.5' } });
  const guard = createRequestGuard({ now: () => 0, makeRequest: async () => answer });
  const given = await guard.makeRequest(messagesUrl, {});
  expect([given.status, given.headers.get('retry-after'), await given.text()]).toEqual([429, '1.5', body]);
});

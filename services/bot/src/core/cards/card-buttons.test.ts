import { expect, it } from 'vitest';
import { buttonActions, formatButtonId, parseButtonId } from './card-buttons.ts';

const requestId = '11111111-1111-4111-8111-111111111111';

it('reads back what it writes, within what Telegram allows', () => {
  for (const action of buttonActions) {
    const id = formatButtonId(action, requestId);
    expect(Buffer.byteLength(id)).toBeLessThanOrEqual(64);
    expect(parseButtonId(id)).toEqual({ action, requestId });
  }
});

it('names every picture of the longest storyboard', () => {
  const id = formatButtonId('pick', requestId, { picture: 191, arg: 'x'.repeat(20) });
  expect(Buffer.byteLength(id)).toBeLessThanOrEqual(64);
  expect(parseButtonId(id)).toMatchObject({ picture: 191 });
});

it.each(['', 'c:', `x:${requestId}`, requestId, 'c:not-an-id', `c:${requestId}:more`])(
  'does not take %j for its own',
  (id) => {
    expect(parseButtonId(id)).toBeUndefined();
  },
);

import { describe, expect, it } from 'vitest';
import { isCutPostgresConnection } from './run-service.ts';

function typeError(message: string, frame: string): TypeError {
  const error = new TypeError(message);
  error.stack = `TypeError: ${message}\n    at ${frame}\n    at process.processImmediate (node:internal/timers:483:21)`;
  return error;
}

const message = "Cannot read properties of null (reading 'write')";

describe('isCutPostgresConnection', () => {
  it('knows the one error of the client library that nobody can catch', () => {
    const frame = 'nextWrite (file:///app/node_modules/postgres/src/connection.js:250:22)';
    expect(isCutPostgresConnection(typeError(message, frame))).toBe(true);
  });

  it.each([
    [message, 'send (file:///app/services/bot/src/app.ts:1:1)'],
    [
      "Cannot read properties of null (reading 'end')",
      'nextWrite (file:///app/node_modules/postgres/src/connection.js:1:1)',
    ],
  ])('leaves every other error fatal', (text, frame) => {
    expect(isCutPostgresConnection(typeError(text, frame))).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '@atelier/shared/config/command-line';
import { tokenCommandLine, tokenCommandOf } from './token-command.ts';

const person = '6f2c8c43-8a37-4b0f-9d53-0a3f6a1c7f10';

const parse = (args: readonly string[]) => tokenCommandOf(parseCommandLine(tokenCommandLine, args));

describe('npm run token', () => {
  it('reads what to make', () => {
    expect(parse(['create', '--name', 'ci'])).toEqual({
      command: 'create',
      name: 'ci',
      owner: { displayName: 'ci', language: 'en' },
      scopes: ['read', 'submit', 'webhooks'],
      limits: {},
      days: undefined,
    });
    expect(
      parse(['create', '--name', 'x', '--person', person, '--scopes', 'read, read', '--per-day', '9', '--days', '30']),
    ).toEqual({
      command: 'create',
      name: 'x',
      owner: { personId: person },
      scopes: ['read'],
      limits: { perDay: 9 },
      days: 30,
    });
  });

  it('lists and revokes', () => {
    expect(parse(['list'])).toEqual({ command: 'list', personId: undefined });
    expect(parse(['revoke', person])).toEqual({ command: 'revoke', id: person });
  });

  it.each([
    [['create'], '--name: say what the token is for'],
    [['create', '--name', 'x', '--scopes', 'root'], '--scopes'],
    [['create', '--name', 'x', '--per-day', 'many'], '--per-day: must be a number'],
    [['revoke', 'all'], 'revoke takes the id of a token'],
    [['steal'], 'there is no command "steal"'],
    [[], 'say what to do: create, list or revoke'],
    [['revoke', person, person], 'one word too many'],
    [['create', '--secret', 'x'], "Unknown option '--secret'"],
  ])('says what is wrong with %j', (args, message) => {
    expect(() => parse(args)).toThrow(message);
  });
});

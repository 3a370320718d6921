import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccessRule } from '@atelier/shared/db/chat/chat-settings';
import type { Asker } from './asker.ts';
import { commandOfButton } from './command-of-button.ts';
import { decideAccess } from './decide-access.ts';
import { createRateLimit } from './rate-limit.ts';

const rule = (effect: 'allow' | 'deny', scope: AccessRule['scope'], subject: string, command = '*'): AccessRule => ({
  door: 'discord',
  scope,
  subject,
  command,
  effect,
});
const by: Pick<Asker, 'user' | 'place' | 'standing'> = {
  user: { door: 'discord', id: 'mei', displayName: 'Mei', language: 'en' },
  place: { door: 'discord', id: 'thread', guildId: 'guild' },
  standing: { roles: ['artist'], channelIds: ['studio'] },
};

describe('decideAccess', () => {
  it.each<[string, AccessRule[], boolean]>([
    ['nothing is said', [], true],
    ['somebody else is allowed', [rule('allow', 'person', 'ada')], false],
    ['the channel around the thread is allowed', [rule('allow', 'channel', 'studio')], true],
    ['the server is denied', [rule('deny', 'guild', 'guild')], false],
    ['a role outweighs the server', [rule('deny', 'guild', 'guild'), rule('allow', 'role', 'artist')], true],
    ['a person outweighs a role', [rule('allow', 'role', 'artist'), rule('deny', 'person', 'mei')], false],
    [
      'of two roles the refusal counts',
      [rule('allow', 'role', 'artist'), rule('deny', 'role', 'artist', 'animate')],
      false,
    ],
    ['a rule for another command', [rule('deny', 'person', 'mei', 'blend')], true],
    ['a rule of another platform', [{ ...rule('allow', 'person', 'ada'), door: 'telegram' }], true],
  ])('where %s', (_case, rules, allowed) => {
    expect(decideAccess(rules, by, 'animate')).toBe(allowed);
  });
});

it('lets nobody ask more often than allowed within any minute', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      (pauses, perMinute) => {
        let now = 0;
        const limit = createRateLimit(() => now);
        const granted: number[] = [];
        for (const pause of pauses) {
          now += pause;
          const waitMs = limit.take('mei', perMinute);
          if (waitMs === 0) granted.push(now);
          const recent = granted.filter((at) => at > now - 60_000);
          expect(recent.length).toBeLessThanOrEqual(perMinute);
          // Who is refused is told the truth: then, and not before, they may.
          const oldest = recent[recent.length - perMinute] ?? Number.NaN;
          expect(waitMs === 0 || waitMs === oldest + 60_000 - now).toBe(true);
        }
      },
    ),
    { numRuns: 60, seed: 7 },
  );
});

describe('commandOfButton', () => {
  it.each([
    ['details', undefined, 'show'],
    ['page', 'favourites', 'gallery'],
    ['page', 'history.fox', 'history'],
    ['share', undefined, 'gallery'],
    ['report', undefined, 'show'],
    ['delete', 'yes', 'show'],
    ['cancel', undefined, undefined],
    ['reroll', undefined, undefined],
  ] as const)('%s %s counts as %s', (action, arg, command) => {
    expect(commandOfButton({ action, ...(arg === undefined ? {} : { arg }) })).toBe(command);
  });
});

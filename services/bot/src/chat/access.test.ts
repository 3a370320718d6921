import { describe, expect, it } from 'vitest';
import type { AccessRule } from '@atelier/shared/db/chat/chat-settings';
import { requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import type { Asker, Standing } from '../core/access/asker.ts';
import { type AdminPolicy, createAccess } from './access.ts';

const letIn: AccessRule = { door: 'discord', scope: 'guild', subject: 'home', command: '*', effect: 'allow' };

/** Somebody in a channel of a Discord server; they manage it unless told otherwise. */
function person(id: string, guildId = 'home', standing: Standing = { isChatAdmin: true }): Asker {
  return {
    eventId: '1',
    user: { door: 'discord', id, displayName: id, language: 'en' },
    place: { door: 'discord', id: `lobby of ${guildId}`, guildId },
    standing,
  };
}

function accessOf(policy: Partial<AdminPolicy> = {}, rules: AccessRule[] = [letIn]) {
  return createAccess({
    admins: { identities: new Set(['telegram:77']), trustsLocalPage: false, trustsChatAdmins: true, ...policy },
    settings: { rules },
    people: {
      // Boss is the operator whom the settings know by their Telegram.
      find: ({ door, id }) =>
        Promise.resolve({
          personId: id,
          settings: {},
          identities: [
            { door, platformId: id },
            ...(id === 'boss' ? [{ door: 'telegram' as const, platformId: '77' }] : []),
          ],
        }),
    },
  });
}

const asked = (guildId: string, isPrivate = false) => ({
  request: requestRecord({
    door: 'discord',
    place: { door: 'discord', id: `another channel of ${guildId}`, guildId },
    isPrivate,
  }),
  jobs: [],
  delivered: false,
});

describe('who manages a server', () => {
  it.each<[string, Partial<AdminPolicy>, AccessRule[], Asker, boolean]>([
    ['is trusted and was let in', {}, [letIn], person('ada'), true],
    ['is not trusted', { trustsChatAdmins: false }, [letIn], person('ada'), false],
    ['manages a server that nobody let in', {}, [letIn], person('ada', 'elsewhere'), false],
    ['was let in for one command', {}, [{ ...letIn, command: 'imagine' }], person('ada'), false],
    ['does not manage it', {}, [letIn], person('ada', 'home', {}), false],
  ])('and %s', async (_case, policy, rules, by, tends) => {
    const access = accessOf(policy, rules);
    expect(access.tends(by)).toBe(tends);
    expect(await access.mayModerate(asked('home'), by)).toBe(tends);
  });

  it('looks after what was asked there in the open, and after nothing else', async () => {
    const access = accessOf();
    const ada = { ...person('ada'), personId: 'ada' };
    expect(await access.mayModerate(asked('home'), ada)).toBe(true);
    expect(await access.mayModerate(asked('elsewhere'), ada)).toBe(false);
    expect(await access.mayModerate(asked('home', true), ada)).toBe(false);
    expect(await access.maySee(asked('home', true), ada)).toBe(false);
    expect(await access.isOperator(ada)).toBe(false);
    expect(await access.mayAdminister(ada)).toBe(false);
  });

  it('is bound by rules like everybody', async () => {
    const access = accessOf({}, [letIn, { ...letIn, scope: 'person', subject: 'ada', effect: 'deny' }]);
    await expect(access.check(person('ada'), 'imagine')).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('of a Telegram group looks after that group alone', async () => {
    const inGroup = (id: string): Asker => ({
      ...person('ada'),
      user: { door: 'telegram', id: '5', displayName: 'Ada', language: 'en' },
      place: { door: 'telegram', id },
    });
    const access = accessOf({}, [{ ...letIn, door: 'telegram', scope: 'channel', subject: '-100' }]);
    const request = requestRecord({ door: 'telegram', place: { door: 'telegram', id: '-100', userId: '6' } });
    const facts = { request, jobs: [], delivered: false };
    expect(await access.mayModerate(facts, inGroup('-100'))).toBe(true);
    expect(await access.mayModerate(facts, inGroup('-200'))).toBe(false);
  });
});

it('an operator may everything everywhere, as whoever they come', async () => {
  const access = accessOf({}, [{ ...letIn, effect: 'deny' }]);
  const boss = { ...person('boss', 'home', {}), personId: 'boss' };
  expect(await access.isOperator(boss)).toBe(true);
  expect(await access.mayAdminister(boss)).toBe(true);
  expect(await access.mayModerate(asked('elsewhere', true), boss)).toBe(true);
  expect(await access.maySee(asked('elsewhere', true), boss)).toBe(true);
  await expect(access.check(boss, 'imagine')).resolves.toBeUndefined();
});

it('who sits at an open page administers, and sees what is private no more than others', async () => {
  const access = accessOf({ trustsLocalPage: true });
  const local: Asker = {
    eventId: '1',
    user: { door: 'web', id: 'me', displayName: 'me', language: 'en' },
    place: { door: 'web', id: 'me' },
  };
  expect(await access.mayAdminister(local)).toBe(true);
  expect(await access.isOperator(local)).toBe(false);
  expect(await access.maySee(asked('home', true), { ...local, personId: 'me' })).toBe(false);
});

it('denies somebody under every identity of theirs, and nobody else', async () => {
  const denial: AccessRule = { door: 'telegram', scope: 'person', subject: '77', command: 'animate', effect: 'deny' };
  const access = accessOf({ identities: new Set() }, [denial]);
  await expect(access.check(person('boss'), 'animate')).rejects.toMatchObject({ code: 'forbidden' });
  await access.check(person('boss'), 'imagine');
  await access.check(person('ada'), 'animate');
});

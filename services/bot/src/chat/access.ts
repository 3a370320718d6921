import { AppError } from '@atelier/shared/errors/app-error';
import type { Asker } from '../core/access/asker.ts';
import { decideAccess } from '../core/access/decide-access.ts';
import { type CardFacts, isKeptPrivate } from '../core/cards/card-facts.ts';
import type { ChatSettingsCache } from '../state/chat-settings-cache.ts';
import type { PeopleCache } from '../state/people-cache.ts';

/** Who is trusted with more. */
export interface AdminPolicy {
  /** Operators, as `door:id`. */
  identities: ReadonlySet<string>;
  /** The page is on loopback without a token: who sits there owns the machine. */
  trustsLocalPage: boolean;
  /** Who manages a server or a group looks after it, where the place itself was let in by a rule: see {@link Access.tends}. */
  trustsChatAdmins: boolean;
}

/**
 * Who may do what beside what everybody may. Three kinds of people have more rights:
 * - operators, whom `ATELIER_ADMINS` names: everything, everywhere;
 * - who sits at an open page on loopback: the commands for operators;
 * - who manages a server or a group, where `ATELIER_TRUST_CHAT_ADMINS` trusts them and the place was let in: what was asked
 *   there in the open. Nothing of theirs reaches another place, a GPU, a limit or a rule.
 */
export interface Access {
  /** Named as one: also sees and cancels what is others'. */
  isOperator(by: Asker): Promise<boolean>;
  /** May use the commands for operators: they, and who sits at an open page on loopback. */
  mayAdminister(by: Asker): Promise<boolean>;
  /** Manages this place, and is trusted with it. */
  tends(by: Asker): boolean;
  /** May stop or take down what somebody else asked for: operators anything, who tends a place what is open there. */
  mayModerate(facts: CardFacts, by: Asker): Promise<boolean>;
  /** @throws AppError `forbidden` where a rule says so; operators are bound by none. */
  check(by: Asker, command: string): Promise<void>;
  /** Its author and operators; everybody once it was shared, or where it was made among others; in its own place who is there. */
  maySee(facts: CardFacts, by: Asker & { personId: string }): Promise<boolean>;
}

export function createAccess(deps: {
  admins: AdminPolicy;
  people: Pick<PeopleCache, 'find'>;
  settings: Pick<ChatSettingsCache, 'rules'>;
}): Access {
  const { admins, people, settings } = deps;

  async function isOperator({ user }: Asker): Promise<boolean> {
    if (admins.identities.has(`${user.door}:${user.id}`)) return true;
    if (admins.identities.size === 0) return false;
    const { identities } = await people.find(user);
    return identities.some((identity) => admins.identities.has(`${identity.door}:${identity.platformId}`));
  }

  function tends(by: Asker): boolean {
    return admins.trustsChatAdmins && by.standing?.isChatAdmin === true && isAllowedPlace(by);
  }

  /** Somebody with a say over everything has let this place in. */
  function isAllowedPlace({ place, standing }: Asker): boolean {
    const channels = [place.id, ...(standing?.channelIds ?? [])];
    return settings.rules.some(
      (rule) =>
        rule.door === place.door &&
        rule.effect === 'allow' &&
        rule.command === '*' &&
        (rule.scope === 'guild'
          ? rule.subject === place.guildId
          : rule.scope === 'channel' && channels.includes(rule.subject)),
    );
  }

  /** Under another identity of theirs: who is denied in one chat is so wherever they were linked. */
  async function isDeniedElsewhere({ user }: Asker, command: string): Promise<boolean> {
    const denials = settings.rules.filter(
      (rule) =>
        rule.scope === 'person' &&
        rule.effect === 'deny' &&
        rule.door !== user.door &&
        (rule.command === '*' || rule.command === command),
    );
    if (denials.length === 0) return false;
    const { identities } = await people.find(user);
    return denials.some(({ door, subject }) =>
      identities.some((identity) => identity.door === door && identity.platformId === subject),
    );
  }

  async function mayAdminister(by: Asker): Promise<boolean> {
    const isLocal = by.user.door === 'web' || by.user.door === 'cli';
    return (admins.trustsLocalPage && isLocal) || isOperator(by);
  }

  return {
    isOperator,
    mayAdminister,
    tends,
    async mayModerate(facts, by) {
      if (tends(by) && !isKeptPrivate(facts) && isSameCommunity(facts.request.place, by.place)) return true;
      return isOperator(by);
    },
    async check(by, command) {
      const isDenied = !decideAccess(settings.rules, by, command) || (await isDeniedElsewhere(by, command));
      if (!isDenied || (await mayAdminister(by))) return;
      throw new AppError('forbidden', 'a rule forbids it', {
        publicMessage: {
          en: 'You may not do this here. Ask an operator to allow you, this channel or your role.',
          zh: '你无权在此使用，请联系管理员开通权限。',
        },
      });
    },
    async maySee({ request, marks }, by) {
      if (request.personId === by.personId || marks?.isShared === true) return true;
      if (!request.isPrivate) {
        const { place, door } = request;
        const isAmongOthers = place.guildId !== undefined || (door === 'telegram' && place.id.startsWith('-'));
        const isSamePlace = place.door === by.place.door && place.id === by.place.id;
        if (isAmongOthers || isSamePlace) return true;
      }
      return isOperator(by);
    },
  };
}

/** Channels and threads of one server, or one group. */
function isSameCommunity(one: Asker['place'], other: Asker['place']): boolean {
  if (one.door !== other.door) return false;
  return other.guildId === undefined ? one.id === other.id : one.guildId === other.guildId;
}

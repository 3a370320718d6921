import { AppError } from '@atelier/shared/errors/app-error';
import type { Asker } from '../core/access/asker.ts';
import { decideAccess } from '../core/access/decide-access.ts';
import type { CardFacts } from '../core/cards/card-facts.ts';
import type { ChatCoreDeps, KnownAsker } from './chat-context.ts';

export interface Access {
  /** Named as one: also sees and cancels what is others'. */
  isAdmin(by: Asker): Promise<boolean>;
  /** May use the commands for operators: they, and who sits at an open page on loopback. */
  mayAdminister(by: Asker): Promise<boolean>;
  /** @throws AppError `forbidden` where a rule says so; operators are bound by none. */
  check(by: Asker, command: string): Promise<void>;
  /** Its author and operators; everybody once it was shared, or where it was made among others; in its own place who is there. */
  maySee(facts: CardFacts, by: KnownAsker): Promise<boolean>;
}

export function createAccess(deps: Pick<ChatCoreDeps, 'admins' | 'people' | 'settings'>): Access {
  const { admins, people, settings } = deps;

  async function isAdmin(by: Asker): Promise<boolean> {
    const { door } = by.user;
    if (admins.identities.has(`${door}:${by.user.id}`)) return true;
    if (admins.trustsChatAdmins && by.standing?.isChatAdmin === true && isAllowedPlace(by)) return true;
    if (admins.identities.size === 0) return false;
    const { identities } = await people.find(by.user);
    return identities.some((identity) => admins.identities.has(`${identity.door}:${identity.platformId}`));
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

  async function mayAdminister(by: Asker): Promise<boolean> {
    const isLocal = by.user.door === 'web' || by.user.door === 'cli';
    return (admins.trustsLocalPage && isLocal) || isAdmin(by);
  }

  return {
    isAdmin,
    mayAdminister,
    async check(by, command) {
      if (decideAccess(settings.rules, by, command) || (await mayAdminister(by))) return;
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
      return isAdmin(by);
    },
  };
}

import type { AccessRule, RuleScope } from '@atelier/shared/db/chat/chat-settings';
import type { Asker } from './asker.ts';

const scopes: readonly RuleScope[] = ['person', 'role', 'channel', 'guild'];

/**
 * Whether somebody may use a command where they are. The nearest rule counts: of the person, then their roles, the channel,
 * the server; at the same distance a refusal. Where nothing is said of them, they may, unless somebody else was allowed
 * on this platform: then only who is allowed may.
 */
export function decideAccess(
  rules: readonly AccessRule[],
  by: Pick<Asker, 'user' | 'place' | 'standing'>,
  command: string,
): boolean {
  const door = rules.filter((rule) => rule.door === by.user.door && (rule.command === '*' || rule.command === command));
  const subjects: Record<RuleScope, readonly string[]> = {
    person: [by.user.id],
    role: by.standing?.roles ?? [],
    channel: [by.place.id, ...(by.standing?.channelIds ?? [])],
    guild: by.place.guildId === undefined ? [] : [by.place.guildId],
  };
  for (const scope of scopes) {
    const found = door.filter((rule) => rule.scope === scope && subjects[scope].includes(rule.subject));
    if (found.some((rule) => rule.effect === 'deny')) return false;
    if (found.length > 0) return true;
  }
  return !door.some((rule) => rule.effect === 'allow');
}

/** Which part of all servers a process answers for: all of them with one shard. */
export interface ShardChoice {
  count: number;
  /** From 0; all of `count` unless some are named. */
  ids: readonly number[];
}

/**
 * Discord's rule: https://discord.com/developers/docs/events/gateway#sharding. Direct messages belong to the first shard.
 *
 * @param guildId undefined in direct messages.
 */
export function shardOf(guildId: string | undefined, count: number): number {
  return guildId === undefined ? 0 : Number((BigInt(guildId) >> 22n) % BigInt(count));
}

export function ownsGuild(choice: ShardChoice, guildId: string | undefined): boolean {
  return choice.ids.includes(shardOf(guildId, choice.count));
}

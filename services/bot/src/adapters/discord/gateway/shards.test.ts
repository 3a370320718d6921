import { expect, it } from 'vitest';
import { ownsGuild, shardOf } from './shards.ts';

it('gives each server to exactly one shard, and direct messages to the first', () => {
  const guilds = Array.from({ length: 100 }, (_, index) => String((BigInt(index * 7_919) << 22n) | 3n));
  const processes = [
    { count: 4, ids: [0, 1] },
    { count: 4, ids: [2] },
    { count: 4, ids: [3] },
  ];
  for (const guild of guilds) expect(processes.filter((one) => ownsGuild(one, guild))).toHaveLength(1);
  expect(new Set(guilds.map((guild) => shardOf(guild, 4))).size).toBe(4);
  expect(processes.map((one) => ownsGuild(one, undefined))).toEqual([true, false, false]);
});

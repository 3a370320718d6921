import { z } from 'zod';
import { booleanSetting, httpUrlSetting, intSetting } from '@atelier/shared/config/parse-config';
import { AppError } from '@atelier/shared/errors/app-error';

const idListSetting = z
  .string()
  .regex(/^\d+(\s*,\s*\d+)*$/, 'must be numbers separated by commas')
  .transform((text) => text.split(',').map((id) => id.trim()));

export const discordSettings = {
  DISCORD_TOKEN: z.string().optional(),
  DISCORD_API_URL: httpUrlSetting.optional(),
  /** Also see replies that do not mention the bot; needs the privileged intent. */
  DISCORD_MESSAGE_CONTENT: booleanSetting.default(false),
  /** Servers whose commands are registered there, separated by commas; without it everywhere. */
  DISCORD_GUILD_IDS: idListSetting.optional(),
  /** Shards in all, and those of this process, separated by commas; one process has them all without it. */
  DISCORD_SHARD_COUNT: intSetting(1, 10_000).optional(),
  DISCORD_SHARDS: idListSetting.optional(),
};
const settings = z.object(discordSettings);
type Settings = z.infer<typeof settings>;

export type DiscordConfig =
  | { enabled: false }
  | {
      enabled: true;
      token: string;
      apiUrl: string | undefined;
      messageContent: boolean;
      /** None: everywhere. */
      guildIds: readonly string[];
      shards?: { count: number; ids: readonly number[] };
    };

/** @throws AppError `config` where shards are named that there are not. */
export function discordConfigOf(parsed: Settings): DiscordConfig {
  if (parsed.DISCORD_TOKEN === undefined) return { enabled: false };
  return {
    enabled: true,
    token: parsed.DISCORD_TOKEN,
    apiUrl: parsed.DISCORD_API_URL,
    messageContent: parsed.DISCORD_MESSAGE_CONTENT,
    guildIds: parsed.DISCORD_GUILD_IDS ?? [],
    ...shardsOf(parsed),
  };
}

function shardsOf(parsed: Settings): { shards?: { count: number; ids: readonly number[] } } {
  const { DISCORD_SHARD_COUNT: count, DISCORD_SHARDS: named } = parsed;
  if (count === undefined && named === undefined) return {};
  const ids = named?.map(Number) ?? Array.from({ length: count ?? 0 }, (_, index) => index);
  if (count === undefined || ids.some((id) => id >= count)) {
    throw new AppError(
      'config',
      'These settings are missing or wrong:\n  DISCORD_SHARDS: needs DISCORD_SHARD_COUNT, and counts from 0 to one less',
      { details: { variables: ['DISCORD_SHARDS', 'DISCORD_SHARD_COUNT'] } },
    );
  }
  return { shards: { count, ids } };
}

import type { Logger } from 'pino';
import type { DiscordMessages } from '../messages/discord-messages.ts';
import { commandDefinitions } from './command-definitions.ts';

export interface DeployOptions {
  messages: Pick<DiscordMessages, 'readCommands' | 'writeCommands'>;
  applicationId: string;
  /** Only there; in all servers without it. */
  guildIds?: readonly string[];
  log: Logger;
}

/** Registers the commands where they differ from what Discord has. @returns how many places were written to. */
export async function deployCommands(options: DeployOptions): Promise<number> {
  const { guildIds = [] } = options;
  if (guildIds.length === 0) return Number(await deployTo(options, undefined));
  let written = 0;
  for (const guildId of guildIds) written += Number(await deployTo(options, guildId));
  return written;
}

async function deployTo({ messages, applicationId, log }: DeployOptions, guildId?: string): Promise<boolean> {
  const registered = await messages.readCommands(applicationId, guildId);
  if (registered.length === commandDefinitions.length && agrees([...commandDefinitions], byOurOrder(registered))) {
    return false;
  }
  await messages.writeCommands(applicationId, [...commandDefinitions], guildId);
  log.info({ commands: commandDefinitions.length, guild_id: guildId }, 'commands registered with Discord');
  return true;
}

function byOurOrder<T extends { name: string; type?: number }>(registered: readonly T[]): (T | undefined)[] {
  return commandDefinitions.map(({ name, type }) =>
    registered.find((command) => command.name === name && command.type === type),
  );
}

/** Whether all that we say is there; Discord adds ids, versions and defaults of its own. */
function agrees(ours: unknown, theirs: unknown): boolean {
  if (Array.isArray(ours)) {
    if (!Array.isArray(theirs) || theirs.length !== ours.length) return false;
    return ours.every((one, index) => agrees(one, theirs[index] as unknown));
  }
  if (typeof ours !== 'object' || ours === null) return ours === theirs;
  if (typeof theirs !== 'object' || theirs === null) return false;
  const found = theirs as Record<string, unknown>;
  return Object.entries(ours).every(([key, value]) => agrees(value, found[key]));
}

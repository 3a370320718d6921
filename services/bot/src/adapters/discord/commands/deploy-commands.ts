import type { Logger } from 'pino';
import type { DiscordMessages } from '../messages/discord-messages.ts';
import { commandDefinitions } from './command-definitions.ts';

/** Registers the commands for all servers, where they differ from what Discord has. @returns whether they did. */
export async function deployCommands(
  messages: Pick<DiscordMessages, 'readCommands' | 'writeCommands'>,
  applicationId: string,
  log: Logger,
): Promise<boolean> {
  const registered = await messages.readCommands(applicationId);
  if (registered.length === commandDefinitions.length && agrees([...commandDefinitions], byOurOrder(registered))) {
    return false;
  }
  await messages.writeCommands(applicationId, [...commandDefinitions]);
  log.info({ commands: commandDefinitions.length }, 'commands registered with Discord');
  return true;
}

function byOurOrder<T extends { name: string }>(registered: readonly T[]): (T | undefined)[] {
  return commandDefinitions.map(({ name }) => registered.find((command) => command.name === name));
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

/*
 * npm run discord:deploy
 *
 * Registers the commands with Discord, for everybody or for the servers that DISCORD_GUILD_IDS names, and says what it did.
 * The bot does the same at its start; this is for whoever wants them there before.
 */
import { existsSync } from 'node:fs';
import { AppError } from '@atelier/shared/errors/app-error';
import { z } from 'zod';
import { runCommandLine } from '@atelier/shared/config/command-line';
import { logLevelSetting, parseConfig } from '@atelier/shared/config/parse-config';
import { createLogger } from '@atelier/shared/log/create-logger';
import { discordConfigOf, discordSettings } from '../discord-settings.ts';
import { createDiscordMessages } from '../messages/discord-messages.ts';
import { createRequestGuard } from '../messages/guard-requests.ts';
import { commandDefinitions } from './command-definitions.ts';
import { deployCommands } from './deploy-commands.ts';

const usage = `npm run discord:deploy

Registers the commands with Discord, for everybody or for the servers that DISCORD_GUILD_IDS names. The bot does it at its start too.`;

async function deploy(): Promise<string> {
  // As `npm start` does; what the environment says wins.
  if (existsSync('.env')) process.loadEnvFile('.env');
  const discord = discordConfigOf(parseConfig(z.object(discordSettings), process.env));
  if (!discord.enabled) {
    throw new AppError('config', 'DISCORD_TOKEN is not set: docs/discord.md says where to get it');
  }
  const messages = createDiscordMessages({
    token: discord.token,
    apiUrl: discord.apiUrl ?? 'https://discord.com/api',
    guard: createRequestGuard({ now: () => performance.now() }),
  });
  const log = createLogger('discord:deploy', logLevelSetting.catch('warn').parse(process.env['LOG_LEVEL'] ?? 'warn'));
  const applicationId = await messages.readApplicationId();
  const { guildIds } = discord;
  const written = await deployCommands({ messages, applicationId, guildIds, log });
  const where = guildIds.length === 0 ? 'in every server' : `in the ${guildIds.length} named in DISCORD_GUILD_IDS`;
  const what = `${commandDefinitions.length} commands, ${where}`;
  return written === 0 ? `Discord has them already: ${what}.` : `Registered with Discord: ${what}.`;
}

try {
  process.exitCode = await runCommandLine({ usage, options: {} }, process.argv.slice(2), async () => {
    console.log(await deploy());
    return 0;
  });
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

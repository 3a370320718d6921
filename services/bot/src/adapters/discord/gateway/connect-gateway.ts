import { setTimeout as delay } from 'node:timers/promises';
import { Client, DiscordjsError, DiscordjsErrorCodes, Events, GatewayIntentBits, Options, Partials } from 'discord.js';
import type { Logger } from 'pino';
import { AppError } from '@atelier/shared/errors/app-error';
import type { RequestGuard } from '../messages/guard-requests.ts';
import type { ShardChoice } from './shards.ts';

export interface GatewayOptions {
  token: string;
  apiUrl: string;
  /** Also see messages that do not mention the bot; a privileged intent. */
  messageContent: boolean;
  log: Logger;
  signal: AbortSignal;
  /** Discord's choice for a whole bot of one process unless given. */
  shards?: ShardChoice;
  /** Makes the library's own calls. */
  guard: Pick<RequestGuard, 'makeRequest'>;
  /** Adds listeners, before anything arrives. */
  prepare: (client: Client) => void;
}

const maxBackoffMs = 60_000;

/**
 * Connects to Discord's gateway, and tries again while Discord is away. Once connected, the library reconnects and resumes
 * by itself.
 *
 * @throws AppError `config` for a token or an intent that Discord refuses; `unavailable` when aborted.
 */
export async function connectGateway(options: GatewayOptions): Promise<Client<true>> {
  const { log, signal } = options;
  for (let backoffMs = 1_000; !signal.aborted; backoffMs = Math.min(2 * backoffMs, maxBackoffMs)) {
    const client = createClient(options);
    try {
      return await login(client, options);
    } catch (error) {
      await client.destroy();
      const refused = refusalOf(error);
      if (refused !== undefined) throw refused;
      log.warn({ reason: error instanceof Error ? error.message : '', againInMs: backoffMs }, 'Discord is away');
      await delay(backoffMs, undefined, { signal }).catch(() => undefined);
    }
  }
  throw new AppError('unavailable', 'stopped while waiting for Discord');
}

function createClient({ apiUrl, messageContent, log, prepare, shards, guard }: GatewayOptions): Client {
  const client = new Client({
    intents: [
      GatewayIntentBits.Guilds,
      GatewayIntentBits.GuildMessages,
      GatewayIntentBits.GuildMessageReactions,
      GatewayIntentBits.DirectMessages,
      GatewayIntentBits.DirectMessageReactions,
      ...(messageContent ? [GatewayIntentBits.MessageContent] : []),
    ],
    // Direct channels are not announced before their first message.
    partials: [Partials.Channel],
    rest: { api: apiUrl, makeRequest: guard.makeRequest },
    ...(shards === undefined ? {} : { shards: [...shards.ids], shardCount: shards.count }),
    // All that matters is in Postgres and in the events themselves.
    makeCache: Options.cacheWithLimits({
      ...Options.DefaultMakeCacheSettings,
      MessageManager: 0,
      ReactionManager: 0,
      PresenceManager: 0,
      VoiceStateManager: 0,
      GuildMemberManager: { maxSize: 50, keepOverLimit: (member) => member.id === member.client.user.id },
      UserManager: { maxSize: 200, keepOverLimit: (user) => user.id === user.client.user.id },
    }),
  });
  client.on(Events.Error, (error) => log.warn({ err: error }, 'Discord connection'));
  client.on(Events.ShardReconnecting, () => log.info('Discord: reconnecting'));
  client.on(Events.ShardResume, () => log.info('Discord: resumed'));
  prepare(client);
  return client;
}

async function login(client: Client, { token, signal }: GatewayOptions): Promise<Client<true>> {
  const ready = Promise.withResolvers<Client<true>>();
  client.once(Events.ClientReady, ready.resolve);
  client.once(Events.ShardDisconnect, (event) => ready.reject(new Error(`closed with ${event.code}`)));
  const abort = (): void => ready.reject(new Error('stopped'));
  signal.addEventListener('abort', abort, { once: true });
  try {
    const [connected] = await Promise.all([ready.promise, client.login(token)]);
    return connected;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** 4004 and 4014 are the gateway's words for a wrong token and for an intent that is not switched on. */
function refusalOf(error: unknown): AppError | undefined {
  const message = error instanceof Error ? error.message : '';
  const isInvalid = error instanceof DiscordjsError && error.code === DiscordjsErrorCodes.TokenInvalid;
  if (isInvalid || /invalid token|authentication failed|closed with 4004/i.test(message)) {
    return settingError(
      'DISCORD_TOKEN: Discord does not know this token; copy it again from the page Bot of the application',
    );
  }
  if (/disallowed intents|closed with 4014/i.test(message)) {
    return settingError(
      'DISCORD_MESSAGE_CONTENT: switch on "Message Content Intent" on the page Bot of the application, or unset this',
    );
  }
  return undefined;
}

function settingError(line: string): AppError {
  return new AppError('config', `These settings are missing or wrong:\n  ${line}`);
}

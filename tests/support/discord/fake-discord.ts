import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Command } from './check-commands.ts';
import { DiscordError } from './discord-error.ts';
import { createDiscordState, type FakeChannel, type FakeMessage, type FakeUser } from './discord-state.ts';
import { createFakeGuild, type FakeGuild } from './fake-guild.ts';
import { createFakePerson, type FakePerson } from './fake-person.ts';
import { createGateway, type Gateway, guildsIntent } from './gateway.ts';
import { createInteractionDesk } from './interactions.ts';
import { type BucketRule, createRateLimits } from './rate-limits.ts';
import { type AnsweredCall, type CallFault, createRestApi } from './rest-api.ts';
import { createSnowflakes } from './snowflakes.ts';

export interface FakeDiscordOptions {
  token?: string;
  /** Divides Discord's windows (3 s, 15 min, nonces, rates, 1 h). 1 unless given. */
  timeScale?: number;
  /** How long a person waits for an answer; 3 s divided like the other windows unless given. */
  ackMs?: number;
  /** Whether the application may see all messages. */
  allowMessageContent?: boolean;
  heartbeatIntervalMs?: number;
  /** Rules of buckets, over the usual ones. */
  rateRules?: Record<string, BucketRule>;
  /** What a file may weigh in the server. */
  maxFileBytes?: number;
  /** How many shards Discord recommends. */
  shards?: number;
  /** Bad calls in ten minutes that ban the caller. */
  maxInvalid?: number;
}

const defaultRules: Record<string, BucketRule> = {
  'message-create': { limit: 5, windowMs: 5_000 },
  'message-edit': { limit: 5, windowMs: 5_000 },
  'answer-edit': { limit: 5, windowMs: 5_000 },
  'answer-follow-up': { limit: 5, windowMs: 5_000 },
  'message-list': { limit: 10, windowMs: 5_000 },
  'message-delete': { limit: 5, windowMs: 5_000 },
  'thread-create': { limit: 5, windowMs: 10_000 },
  'channel-edit': { limit: 5, windowMs: 10_000 },
  reactions: { limit: 1, windowMs: 250 },
  pins: { limit: 5, windowMs: 4_000 },
};
const defaultMaxFileBytes = 10_485_760;
/** Calls that are kept to be looked at. */
const keptCalls = 20_000;

/**
 * A Discord on this machine: one server with channels, one application, REST and gateway on the wire that discord.js
 * speaks. It enforces Discord's limits and keeps every refusal, so that a test can insist that there was none.
 */
export function createFakeDiscord(options: FakeDiscordOptions = {}) {
  const token = options.token ?? 'fake-discord-token.abc.def';
  const timeScale = options.timeScale ?? 1;
  let advancedMs = 0;
  const now = (): number => performance.timeOrigin + performance.now() + advancedMs;
  const newId = createSnowflakes(now);
  const changes = new EventEmitter().setMaxListeners(0);
  const changed = (): boolean => changes.emit('change');
  const botUser = makeUser('Atelier', true);
  const calls: AnsweredCall[] = [];
  const faults: { method: string; path: RegExp; fault: CallFault }[] = [];
  const commands = createCommandBook(newId, changed);
  const server = createServer((request, response) => void serve(request, response));
  const servers = new Map<string, FakeGuild>();
  let address = '';

  function makeUser(name: string, bot?: true): FakeUser {
    const shared = { username: name.toLowerCase(), global_name: name, discriminator: '0', avatar: null };
    return { id: newId(), ...shared, ...(bot === undefined ? {} : { bot }) };
  }

  const state = createDiscordState({
    now,
    newId,
    timeScale,
    fileUrl: (path) => `${address}${path}`,
    onChange(event, message) {
      // What only one person sees is no event of the channel.
      if (message.onlyFor === undefined) guild.dispatchMessage(event, message);
      changed();
    },
  });
  const desk = createInteractionDesk({
    state,
    botUser,
    now,
    newId,
    timeScale,
    ackMs: options.ackMs ?? 3_000 / timeScale,
    onChange: changed,
  });
  const gateway: Gateway = createGateway({
    token,
    allowMessageContent: options.allowMessageContent ?? false,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 20_000,
    newId,
    url: () => address.replace('http:', 'ws:'),
    ready: (owns) => ({
      v: 10,
      user: botUser,
      guilds: [...servers.keys()].filter(owns).map((id) => ({ id, unavailable: true })),
      application: { id: botUser.id, flags: 0 },
    }),
    afterReady: () =>
      [...servers].map(([guildId, one]) => ({ t: 'GUILD_CREATE', guildId, intents: guildsIntent, d: one.onWire() })),
    onChange: changed,
  });
  const limits = createRateLimits({
    now,
    timeScale,
    rules: { ...defaultRules, ...options.rateRules },
    ...(options.maxInvalid === undefined ? {} : { maxInvalid: options.maxInvalid }),
  });
  const guild = createFakeGuild({
    id: newId(),
    ownerId: newId(),
    botUser,
    state,
    gateway: () => gateway,
    now,
    newId,
  });
  servers.set(guild.guild.id, guild);
  const maxFileBytesOf = (place: FakeChannel): number =>
    place.type === 1 ? defaultMaxFileBytes : (options.maxFileBytes ?? defaultMaxFileBytes);
  const api = createRestApi({
    token,
    botUser,
    state,
    desk,
    limits,
    now,
    shards: options.shards ?? 1,
    gatewayUrl: () => address.replace('http:', 'ws:'),
    openDirectChannel: guild.openDirectChannel,
    openThread: guild.openThread,
    react: (message, emoji, on) => guild.react(message, botUser, emoji, on),
    guildOnWire: guild.onWire,
    maxFileBytesOf,
    commands,
    fault(method, path) {
      const index = faults.findIndex((one) => one.method === method && one.path.test(path));
      return index < 0 ? undefined : faults.splice(index, 1)[0]?.fault;
    },
    onCall: keepCall,
  });
  const channel = guild.addChannel('pictures');

  function keepCall(call: AnsweredCall): void {
    calls.push(call);
    if (calls.length > keptCalls) calls.splice(0, keptCalls / 2);
    changed();
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', address);
    try {
      if (url.pathname.startsWith('/attachments/')) serveFile(url.pathname, response);
      else await api.answer(request, response, url);
    } catch (error) {
      const status = error instanceof DiscordError ? error.status : 500;
      const body = error instanceof DiscordError ? error.toJson() : { message: String(error), code: 0 };
      const { method = 'GET' } = request;
      keepCall({ method, path: url.pathname, status, message: JSON.stringify(body), atMs: now() });
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }
  }

  function serveFile(path: string, response: ServerResponse): void {
    const found = state.attachment(path.split('/')[3] ?? '');
    if (found === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': found.content_type }).end(found.bytes);
  }

  /** Waits until it holds, looking at every change. @throws with what happened meanwhile. */
  async function until<T>(what: string, look: () => T | undefined | null | false, withinMs = 20_000): Promise<T> {
    const deadline = AbortSignal.timeout(withinMs);
    for (;;) {
      const found = look();
      if (found !== undefined && found !== null && found !== false) return found;
      try {
        await once(changes, 'change', { signal: deadline });
      } catch (cause) {
        const last = calls.slice(-15).map((call) => `${call.status} ${call.method} ${call.path} ${call.message ?? ''}`);
        throw new Error(`Discord never saw ${what} within ${withinMs} ms. Last calls:\n${last.join('\n')}`, { cause });
      }
    }
  }

  function addPerson(name: string, more: { locale?: string; roles?: string[]; permissions?: string } = {}): FakePerson {
    const { locale = guild.guildLocale, roles = [], permissions = '0' } = more;
    const member = { user: makeUser(name), locale, roles, permissions };
    guild.members.set(member.user.id, member);
    return createFakePerson({
      member,
      guild,
      state,
      desk,
      gateway,
      botUser,
      defaultChannelId: channel.id,
      commands: () => commands.seenIn(guild.guild.id),
      maxFileBytesOf,
      until,
    });
  }

  return {
    token,
    botUser,
    guild: guild.guild,
    channel,
    state,
    gateway,
    calls,
    commands,
    limits,
    interactions: desk.all,
    get apiUrl() {
      return `${address}/api`;
    },
    /** The settings with which a bot comes to this server and keeps its time. */
    get env() {
      return { DISCORD_TOKEN: token, DISCORD_API_URL: `${address}/api`, BOT_TIME_SCALE: String(timeScale) };
    },
    now,
    async start(): Promise<void> {
      gateway.attach(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    async stop(): Promise<void> {
      desk.stop();
      gateway.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
    /** Discord's clock jumps: everything becomes that much older. */
    advance(ms: number): void {
      advancedMs += ms;
    },
    addChannel: guild.addChannel,
    addRole: guild.addRole,
    addPerson,
    until,
    /** What the channel shows to everybody, oldest first. */
    messages(channelId: string = channel.id): FakeMessage[] {
      return state.inChannel(channelId).filter((one) => one.onlyFor === undefined);
    },
    /** Messages of the bot there. */
    botMessages(channelId: string = channel.id): FakeMessage[] {
      return this.messages(channelId).filter((one) => one.author.id === botUser.id);
    },
    /** The next call to this path goes wrong. */
    failNext(method: string, path: RegExp, fault: CallFault): void {
      faults.push({ method, path, fault });
    },
    /** @throws with every refusal, and with every person who got no answer; codes of provoked refusals are left out. */
    assertCorrect(allowed: { exceptCodes?: ReadonlySet<number>; since?: number } = {}): void {
      const refused = this.refusals()
        .slice(allowed.since ?? 0)
        .filter((call) => allowed.exceptCodes?.has(call.code ?? 0) !== true)
        .map((call) => `${call.status} ${call.method} ${call.path} ${call.message ?? ''}`);
      const failed = desk.all.filter((one) => one.failed).map((one) => `no answer to interaction ${one.id}`);
      if (refused.length + failed.length > 0) throw new Error(['Discord refused:', ...refused, ...failed].join('\n'));
    },
    /** Answers that a well-behaved bot does not get. */
    refusals(): AnsweredCall[] {
      return calls.filter((call) => call.status >= 400);
    },
  };
}
export type FakeDiscord = ReturnType<typeof createFakeDiscord>;

/** The commands of the application: those of every server, and those of one. */
function createCommandBook(newId: () => string, changed: () => void) {
  type Stored = Command & { id: string };
  const stored = new Map<string, Stored[]>();
  const key = (guildId: string | undefined): string => guildId ?? '';
  return {
    writes: 0,
    read: (guildId: string | undefined): Stored[] => stored.get(key(guildId)) ?? [],
    write(guildId: string | undefined, written: Command[]): void {
      this.writes += 1;
      stored.set(
        key(guildId),
        written.map((command) => ({ ...command, id: newId() })),
      );
      changed();
    },
    /** For every server. */
    get current(): readonly Stored[] {
      return this.read(undefined);
    },
    /** What a person there can use. */
    seenIn(guildId: string): Stored[] {
      return [...this.read(guildId), ...this.read(undefined)];
    },
  };
}

import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chooseOptions, type Command } from './check-commands.ts';
import { type AnyComponent, flatten, type SentFile } from './check-message.ts';
import { DiscordError } from './discord-error.ts';
import { createDiscordState, type FakeChannel, type FakeMessage, type FakeUser } from './discord-state.ts';
import { createGateway, directMessagesIntent, guildMessagesIntent, messageContentIntent } from './gateway.ts';
import { createInteractionDesk, type FakeInteraction } from './interactions.ts';
import { type BucketRule, createRateLimits } from './rate-limits.ts';
import { type AnsweredCall, createRestApi } from './rest-api.ts';
import { createSnowflakes } from './snowflakes.ts';

export interface FakeDiscordOptions {
  token?: string;
  /** Divides Discord's windows (3 s, 15 min, nonces, rates, 1 h). 1 unless given. */
  timeScale?: number;
  /** Whether the application may see all messages. */
  allowMessageContent?: boolean;
  heartbeatIntervalMs?: number;
  /** Rules of buckets, over the usual ones. */
  rateRules?: Record<string, BucketRule>;
  /** What a file may weigh in the server. */
  maxFileBytes?: number;
}

/** A person in the server. */
export interface FakePerson {
  readonly user: FakeUser;
  /** Uses a command, as the person's client lets them; in the channel, or directly to the bot. */
  slash(name: string, values?: Record<string, string | number>, channelId?: string): Promise<FakeInteraction>;
  /** Writes a message. `attach` are files of it. */
  say(text: string, options?: { channelId?: string; attach?: SentFile[]; replyTo?: string }): Promise<FakeMessage>;
  /** Presses a button by its label. */
  press(message: FakeMessage, label: string): Promise<FakeInteraction>;
  /** The channel of direct messages with the bot. */
  direct(): FakeChannel;
}

const defaultRules: Record<string, BucketRule> = {
  'message-create': { limit: 5, windowMs: 5_000 },
  'message-edit': { limit: 5, windowMs: 5_000 },
  'answer-edit': { limit: 5, windowMs: 5_000 },
  'message-list': { limit: 10, windowMs: 5_000 },
};
const locale = 'en-US';

/**
 * A Discord on this machine: one server with channels, one application, REST and gateway on the wire that discord.js
 * speaks. It enforces Discord's limits and keeps every refusal, so that a test can insist that there was none.
 */
export function createFakeDiscord(options: FakeDiscordOptions = {}) {
  const token = options.token ?? 'fake-discord-token.abc.def';
  const timeScale = options.timeScale ?? 1;
  const now = (): number => performance.timeOrigin + performance.now();
  const newId = createSnowflakes(now);
  const changes = new EventEmitter().setMaxListeners(0);
  const changed = (): boolean => changes.emit('change');
  const botUser = makeUser('Atelier', true);
  const guild = { id: newId(), name: 'Studio', owner_id: newId() };
  const people = new Map<string, FakeUser>();
  const calls: AnsweredCall[] = [];
  const faults: { method: string; path: RegExp; fault: { status: number } | 'hang' }[] = [];
  const commands = {
    current: [] as (Command & { id: string })[],
    writes: 0,
    write(written: Command[]): void {
      this.writes += 1;
      this.current = written.map((command) => ({ ...command, id: newId() }));
      changed();
    },
  };
  const server = createServer((request, response) => void serve(request, response));
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
      if (message.onlyFor === undefined) dispatchMessage(event, message);
      changed();
    },
  });
  const desk = createInteractionDesk({ state, botUser, now, newId, timeScale, onChange: changed });
  const gateway = createGateway({
    token,
    allowMessageContent: options.allowMessageContent ?? false,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 20_000,
    newId,
    url: () => address.replace('http:', 'ws:'),
    ready: () => ({
      v: 10,
      user: botUser,
      guilds: [{ id: guild.id, unavailable: true }],
      application: { id: botUser.id, flags: 0 },
    }),
    afterReady: () => [{ t: 'GUILD_CREATE', d: guildOnWire() }],
    onChange: changed,
  });
  const api = createRestApi({
    token,
    botUser,
    state,
    desk,
    limits: createRateLimits({ now, timeScale, rules: { ...defaultRules, ...options.rateRules } }),
    now,
    gatewayUrl: () => address.replace('http:', 'ws:'),
    openDirectChannel,
    maxFileBytesOf: (channel) => (channel.type === 1 ? 10_485_760 : (options.maxFileBytes ?? 10_485_760)),
    commands,
    fault(method, path) {
      const index = faults.findIndex((one) => one.method === method && one.path.test(path));
      return index < 0 ? undefined : faults.splice(index, 1)[0]?.fault;
    },
    onCall(call) {
      calls.push(call);
      changed();
    },
  });
  const channel = addChannel('pictures');

  function addChannel(name: string): FakeChannel {
    const allows = { view: true, send: true, history: true };
    const added: FakeChannel = { id: newId(), type: 0, name, guild_id: guild.id, allows };
    state.channels.set(added.id, added);
    gateway.dispatch('CHANNEL_CREATE', { id: added.id, type: 0, name, guild_id: guild.id, position: 0 });
    return added;
  }

  function openDirectChannel(userId: string): FakeChannel {
    const user = people.get(userId);
    if (user === undefined) throw new DiscordError(404, 10013, 'Unknown User');
    for (const known of state.channels.values()) if (known.recipients?.[0]?.id === userId) return known;
    const allows = { view: true, send: true, history: true };
    const opened: FakeChannel = { id: newId(), type: 1, recipients: [user], allows };
    state.channels.set(opened.id, opened);
    return opened;
  }

  function guildOnWire(): Record<string, unknown> {
    const channels = [...state.channels.values()].filter((one) => one.guild_id !== undefined);
    return {
      ...guild,
      preferred_locale: locale,
      premium_tier: 0,
      unavailable: false,
      large: false,
      member_count: people.size + 1,
      joined_at: new Date(now()).toISOString(),
      roles: [{ id: guild.id, name: '@everyone', permissions: '0', position: 0, color: 0 }],
      emojis: [],
      stickers: [],
      features: [],
      members: [memberOf(botUser)],
      channels: channels.map(({ allows: _allows, ...shown }) => ({ ...shown, position: 0, permission_overwrites: [] })),
      threads: [],
      presences: [],
      voice_states: [],
      stage_instances: [],
    };
  }

  function memberOf(user: FakeUser): Record<string, unknown> {
    const joined = new Date(0).toISOString();
    return { user, nick: null, roles: [], joined_at: joined, deaf: false, mute: false, flags: 0, permissions: '0' };
  }

  function dispatchMessage(event: 'create' | 'update' | 'delete', message: FakeMessage): void {
    const place = state.channels.get(message.channelId);
    if (place === undefined) return;
    const isDirect = place.type === 1;
    if ((gateway.intents & (isDirect ? directMessagesIntent : guildMessagesIntent)) === 0 || !place.allows.view) return;
    const { id, channelId } = message;
    const guildId = isDirect ? {} : { guild_id: guild.id };
    if (event === 'delete') {
      gateway.dispatch('MESSAGE_DELETE', { id, channel_id: channelId, ...guildId });
      return;
    }
    const named = [botUser, ...people.values()].filter((user) => message.content.includes(`<@${user.id}>`));
    const answered = message.replyTo === undefined ? undefined : state.messages.get(message.replyTo)?.author;
    // A reply mentions whom it answers, unless its author switched that off.
    const mentions = answered === undefined || named.includes(answered) ? named : [...named, answered];
    const seen =
      isDirect ||
      message.author.id === botUser.id ||
      mentions.some((user) => user.id === botUser.id) ||
      (gateway.intents & messageContentIntent) !== 0;
    const { user: _user, ...member } = memberOf(message.author);
    gateway.dispatch(event === 'create' ? 'MESSAGE_CREATE' : 'MESSAGE_UPDATE', {
      ...state.toWire(message),
      ...guildId,
      ...(isDirect ? { channel_type: 1 } : { member }),
      mentions: mentions.map((user) => ({ ...user, ...(isDirect ? {} : { member: {} }) })),
      ...(seen ? {} : { content: '', attachments: [], components: [] }),
    });
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
      calls.push({ method, path: url.pathname, status, message: JSON.stringify(body), atMs: now() });
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }
  }

  function serveFile(path: string, response: ServerResponse): void {
    const id = path.split('/')[3];
    const found = [...state.messages.values()].flatMap((one) => one.attachments).find((one) => one.id === id);
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

  function interactionOnWire(interaction: FakeInteraction, place: FakeChannel): Record<string, unknown> {
    const isDirect = place.type === 1;
    const { allows: _allows, ...shown } = place;
    return {
      id: interaction.id,
      application_id: botUser.id,
      type: interaction.type,
      token: interaction.token,
      version: 1,
      channel_id: place.id,
      channel: shown,
      locale,
      app_permissions: '0',
      entitlements: [],
      authorizing_integration_owners: isDirect ? { 0: '0' } : { 0: guild.id },
      context: isDirect ? 1 : 0,
      attachment_size_limit: interaction.maxFileBytes,
      ...(isDirect
        ? { user: interaction.user }
        : { guild_id: guild.id, guild_locale: locale, member: memberOf(interaction.user) }),
    };
  }

  function addPerson(name: string): FakePerson {
    const user = makeUser(name);
    people.set(user.id, user);

    function begin(type: 2 | 3, place: FakeChannel, data: unknown, extra: Record<string, unknown> = {}) {
      const maxFileBytes = place.type === 1 ? 10_485_760 : (options.maxFileBytes ?? 10_485_760);
      const interaction = desk.begin({ type, user, channelId: place.id, maxFileBytes });
      gateway.dispatch('INTERACTION_CREATE', { ...interactionOnWire(interaction, place), data, ...extra });
      return until(`an answer to ${JSON.stringify(data)}`, () => {
        if (interaction.failed) throw new Error('The application did not respond');
        return interaction.answeredAfterMs !== undefined && interaction;
      });
    }

    return {
      user,
      direct: () => openDirectChannel(user.id),
      async slash(commandName, values = {}, channelId = channel.id) {
        const command = await until(`the command /${commandName}`, () =>
          gateway.connected ? commands.current.find((one) => one.name === commandName) : undefined,
        );
        const place = state.channels.get(channelId);
        if (place === undefined) throw new Error('no such channel');
        return begin(2, place, {
          id: command.id,
          name: command.name,
          type: 1,
          options: chooseOptions(command, values),
        });
      },
      async say(text, { channelId = channel.id, attach = [], replyTo } = {}) {
        await until('the bot', () => gateway.connected);
        return state.create({
          channelId,
          author: user,
          payload: {
            content: text,
            ...(replyTo === undefined ? {} : { message_reference: { message_id: replyTo } }),
          },
          files: attach,
          maxFileBytes: 10_485_760,
        });
      },
      async press(message, label) {
        const button = buttonsOf(message).find((one) => one.label === label);
        if (button?.custom_id === undefined) throw new Error(`there is no button ${label}`);
        const place = state.channels.get(message.channelId);
        if (place === undefined) throw new Error('no such channel');
        const data = { custom_id: button.custom_id, component_type: 2, id: button.id };
        return begin(3, place, data, { message: state.toWire(message) });
      },
    };
  }

  return {
    token,
    botUser,
    guild,
    channel,
    state,
    gateway,
    calls,
    commands,
    interactions: desk.all,
    get apiUrl() {
      return `${address}/api`;
    },
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
    addChannel,
    addPerson,
    until,
    /** What the channel shows to everybody, oldest first. */
    messages(channelId: string = channel.id): FakeMessage[] {
      return [...state.messages.values()].filter((one) => one.channelId === channelId && one.onlyFor === undefined);
    },
    /** Messages of the bot there. */
    botMessages(channelId: string = channel.id): FakeMessage[] {
      return this.messages(channelId).filter((one) => one.author.id === botUser.id);
    },
    /** The next call to this path fails. */
    failNext(method: string, path: RegExp, fault: { status: number } | 'hang'): void {
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

export function buttonsOf(message: FakeMessage): Extract<AnyComponent, { type: 2 }>[] {
  return flatten(message.components).filter((one) => one.type === 2);
}

/** All words of a message. */
export function textOf(message: FakeMessage): string {
  const texts = flatten(message.components).flatMap((one) => (one.type === 10 ? [one.content] : []));
  return [message.content, ...texts].filter((text) => text !== '').join('\n');
}

import { z } from 'zod';
import { type Command, parseCommands } from './check-commands.ts';
import { messagePayloadSchema, parsePayload, type SentFile } from './check-message.ts';
import { DiscordError, invalidForm, missingAccess, missingPermissions, unknownChannel } from './discord-error.ts';
import type { DiscordState, FakeChannel, FakeMessage, FakeUser } from './discord-state.ts';
import type { FakeInteraction, InteractionDesk } from './interactions.ts';

export interface RouteOptions {
  botUser: FakeUser;
  state: DiscordState;
  desk: InteractionDesk;
  gatewayUrl: () => string;
  shards: number;
  openDirectChannel: (userId: string) => FakeChannel;
  openThread: (channel: FakeChannel, name: string, minutes: number, from?: FakeMessage) => FakeChannel;
  react: (message: FakeMessage, emoji: string, on: boolean) => void;
  maxFileBytesOf: (channel: FakeChannel) => number;
  guildOnWire: () => Record<string, unknown>;
  commands: {
    /** @param guildId undefined for those of every server. */
    read(guildId: string | undefined): (Command & { id: string })[];
    write(guildId: string | undefined, commands: Command[]): void;
  };
}

export interface Call {
  query: URLSearchParams;
  json: unknown;
  files: SentFile[];
  parts: string[];
}

export interface Route {
  method: string;
  pattern: RegExp;
  /** The rule for its bucket; the first part of the path tells buckets apart. */
  bucket: string;
  /** Without the bot's token: the interaction's own is in the path. */
  open?: true;
  handle(call: Call): unknown;
}

const threadSchema = z.strictObject({
  name: z.string().min(1).max(100),
  auto_archive_duration: z.literal([60, 1_440, 4_320, 10_080]).optional(),
  type: z.literal(11).optional(),
});
const threadEditSchema = z.strictObject({
  name: z.string().min(1).max(100).optional(),
  archived: z.boolean().optional(),
});
const editSchema = messagePayloadSchema.omit({ message_reference: true, nonce: true, enforce_nonce: true });
const part = (call: Call, index: number): string => call.parts[index] ?? '';

/** What a bot of this kind asks of Discord. */
export function createRoutes(options: RouteOptions): Route[] {
  return [...applicationRoutes(options), ...interactionRoutes(options), ...channelRoutes(options)];
}

function applicationRoutes({ commands, ...options }: RouteOptions): Route[] {
  const read = (guildId: string | undefined) => (call: Call) =>
    commands
      .read(guildId)
      .map((command) =>
        call.query.get('with_localizations') === 'true'
          ? { ...command, application_id: options.botUser.id, version: '1', nsfw: false }
          : { ...command, name_localizations: undefined, description_localizations: undefined },
      );
  return [
    {
      method: 'GET',
      pattern: /^\/gateway\/bot$/,
      bucket: 'gateway',
      handle: () => ({
        url: options.gatewayUrl(),
        shards: options.shards,
        session_start_limit: { total: 1_000, remaining: 999, reset_after: 86_400_000, max_concurrency: 16 },
      }),
    },
    {
      method: 'GET',
      pattern: /^\/(?:applications\/@me|oauth2\/applications\/@me)$/,
      bucket: 'application',
      handle: () => ({ id: options.botUser.id, name: options.botUser.username, flags: 0 }),
    },
    {
      method: 'GET',
      pattern: /^\/users\/@me$/,
      bucket: 'me',
      handle: () => options.botUser,
    },
    {
      method: 'GET',
      pattern: /^\/guilds\/(\d+)$/,
      bucket: 'guild-read',
      handle: () => options.guildOnWire(),
    },
    {
      method: 'GET',
      pattern: /^\/applications\/(\d+)\/commands$/,
      bucket: 'commands-read',
      handle: (call) => read(undefined)(call),
    },
    {
      method: 'PUT',
      pattern: /^\/applications\/(\d+)\/commands$/,
      bucket: 'commands-write',
      handle(call) {
        commands.write(undefined, parseCommands(call.json));
        return commands.read(undefined);
      },
    },
    {
      method: 'GET',
      pattern: /^\/applications\/(\d+)\/guilds\/(\d+)\/commands$/,
      bucket: 'commands-read',
      handle: (call) => read(part(call, 1))(call),
    },
    {
      method: 'PUT',
      pattern: /^\/applications\/(\d+)\/guilds\/(\d+)\/commands$/,
      bucket: 'commands-write',
      handle(call) {
        commands.write(part(call, 1), parseCommands(call.json));
        return commands.read(part(call, 1));
      },
    },
  ];
}

function interactionRoutes({ desk, state }: RouteOptions): Route[] {
  const webhook = (method: string, bucket: string, handle: Route['handle']): Route => ({
    method,
    pattern: /^\/webhooks\/(\d+)\/([^/]+)\/messages\/(@original|\d+)$/,
    bucket,
    open: true,
    handle,
  });
  return [
    {
      method: 'POST',
      pattern: /^\/interactions\/(\d+)\/([^/]+)\/callback$/,
      bucket: 'callback',
      open: true,
      handle(call) {
        const interaction = desk.callback(part(call, 0), part(call, 1), call.json, call.files);
        return call.query.get('with_response') === 'true' ? callbackOnWire(interaction, state) : undefined;
      },
    },
    {
      method: 'POST',
      pattern: /^\/webhooks\/(\d+)\/([^/]+)$/,
      bucket: 'answer-follow-up',
      open: true,
      handle: (call) => state.toWire(desk.followUp(part(call, 1), call.json, call.files)),
    },
    webhook('PATCH', 'answer-edit', (call) =>
      state.toWire(desk.edit(part(call, 1), part(call, 2), call.json, call.files)),
    ),
    webhook('GET', 'answer-read', (call) => state.toWire(desk.find(part(call, 1), part(call, 2)))),
    webhook('DELETE', 'answer-delete', (call) => desk.delete(part(call, 1), part(call, 2))),
  ];
}

function callbackOnWire(interaction: FakeInteraction, state: DiscordState): Record<string, unknown> {
  const { original, message } = interaction;
  const answered = interaction.modal === undefined && interaction.choices === undefined ? original : undefined;
  const updates = answered !== undefined && answered === message;
  return {
    interaction: {
      id: interaction.id,
      type: interaction.type,
      ...(answered === undefined
        ? {}
        : {
            response_message_id: answered.id,
            response_message_loading: interaction.deferred && !updates,
            response_message_ephemeral: answered.onlyFor !== undefined,
          }),
    },
    ...(answered === undefined
      ? {}
      : {
          resource: {
            type: interaction.deferred ? (updates ? 6 : 5) : updates ? 7 : 4,
            message: state.toWire(answered),
          },
        }),
  };
}

function channelRoutes(options: RouteOptions): Route[] {
  const { state, botUser } = options;
  const seen = (call: Call): FakeMessage => {
    state.channelFor(part(call, 0), 'view');
    return state.messageFor(part(call, 0), part(call, 1));
  };
  const own = (call: Call): FakeMessage => {
    const message = seen(call);
    if (message.author.id === botUser.id) return message;
    throw new DiscordError(403, 50005, 'Cannot edit a message authored by another user');
  };
  const messagePattern = /^\/channels\/(\d+)\/messages\/(\d+)$/;
  const pin = (method: string, pinned: boolean): Route => ({
    method,
    pattern: /^\/channels\/(\d+)\/(?:messages\/)?pins\/(\d+)$/,
    bucket: 'pins',
    handle: (call) => state.pin(seen(call), pinned),
  });
  const reaction = (method: string, on: boolean): Route => ({
    method,
    pattern: /^\/channels\/(\d+)\/messages\/(\d+)\/reactions\/([^/]+)\/@me$/,
    bucket: 'reactions',
    handle: (call) => options.react(seen(call), part(call, 2), on),
  });
  return [
    {
      method: 'POST',
      pattern: /^\/channels\/(\d+)\/messages$/,
      bucket: 'message-create',
      handle(call) {
        const channel = state.channelFor(part(call, 0), 'send');
        const payload = parsePayload(messagePayloadSchema, call.json);
        const maxFileBytes = options.maxFileBytesOf(channel);
        return state.toWire(
          state.create({ channelId: channel.id, author: botUser, payload, files: call.files, maxFileBytes }),
        );
      },
    },
    {
      method: 'GET',
      pattern: /^\/channels\/(\d+)\/messages$/,
      bucket: 'message-list',
      handle: (call) => listMessages(options, call),
    },
    { method: 'GET', pattern: messagePattern, bucket: 'message-read', handle: (call) => state.toWire(seen(call)) },
    {
      method: 'PATCH',
      pattern: messagePattern,
      bucket: 'message-edit',
      handle(call) {
        const message = own(call);
        const maxFileBytes = options.maxFileBytesOf(state.channelFor(message.channelId, 'view'));
        return state.toWire(state.edit(message, parsePayload(editSchema, call.json), call.files, maxFileBytes));
      },
    },
    {
      method: 'DELETE',
      pattern: messagePattern,
      bucket: 'message-delete',
      handle: (call) => state.delete(own(call).id),
    },
    {
      method: 'GET',
      pattern: /^\/channels\/(\d+)\/messages\/pins$/,
      bucket: 'pins-read',
      handle(call) {
        const channel = state.channelFor(part(call, 0), 'view');
        const items = state.inChannel(channel.id).filter((one) => one.pinned);
        return {
          items: items.map((one) => ({ pinned_at: new Date(one.createdAt).toISOString(), message: state.toWire(one) })),
          has_more: false,
        };
      },
    },
    pin('PUT', true),
    pin('DELETE', false),
    reaction('PUT', true),
    reaction('DELETE', false),
    {
      method: 'POST',
      pattern: /^\/channels\/(\d+)\/(?:messages\/(\d+)\/)?threads$/,
      bucket: 'thread-create',
      handle(call) {
        const channel = state.channelFor(part(call, 0), 'view');
        if (channel.type !== 0) throw new DiscordError(400, 50024, 'Cannot execute action on this channel type');
        if (!channel.allows.threads) throw missingPermissions();
        const { name, type, auto_archive_duration: minutes = 1_440 } = parsePayload(threadSchema, call.json);
        if (call.parts[1] === undefined) {
          if (type === undefined) throw invalidForm({ type: 'without a message this would be a private thread' });
          return threadOnWire(options.openThread(channel, name, minutes));
        }
        const from = state.messageFor(channel.id, part(call, 1));
        if (state.channels.has(from.id)) throw new DiscordError(400, 160004, 'A thread has already been created');
        return threadOnWire(options.openThread(channel, name, minutes, from));
      },
    },
    {
      method: 'PATCH',
      pattern: /^\/channels\/(\d+)$/,
      bucket: 'channel-edit',
      handle(call) {
        const thread = state.channelFor(part(call, 0), 'view');
        if (thread.thread_metadata === undefined) throw missingPermissions();
        const { name, archived } = parsePayload(threadEditSchema, call.json);
        if (name !== undefined) thread.name = name;
        if (archived !== undefined) thread.thread_metadata.archived = archived;
        return threadOnWire(thread);
      },
    },
    {
      method: 'POST',
      pattern: /^\/users\/@me\/channels$/,
      bucket: 'direct-open',
      handle(call) {
        const { recipient_id: userId } = parsePayload(z.strictObject({ recipient_id: z.string() }), call.json);
        const channel = options.openDirectChannel(userId);
        return { id: channel.id, type: channel.type, recipients: channel.recipients, last_message_id: null };
      },
    },
    {
      method: 'GET',
      pattern: /^\/channels\/(\d+)$/,
      bucket: 'channel-read',
      handle(call) {
        const channel = state.channels.get(part(call, 0));
        if (channel === undefined) throw unknownChannel();
        if (!channel.allows.view) throw missingAccess();
        return threadOnWire(channel);
      },
    },
  ];
}

function listMessages({ state }: RouteOptions, call: Call): unknown {
  const channel = state.channelFor(part(call, 0), 'view');
  if (!channel.allows.history) return [];
  const limit = z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .parse(call.query.get('limit') ?? 50);
  const after = BigInt(call.query.get('after') ?? '0');
  const found = state
    .inChannel(channel.id)
    .filter((one) => one.onlyFor === undefined && BigInt(one.id) > after)
    .sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
  // Those next after the given one, or the latest; newest first either way.
  const chosen = call.query.has('after') ? found.slice(0, limit) : found.slice(-limit);
  return chosen.toReversed().map((one) => state.toWire(one));
}

/** A channel as Discord names it. */
export function threadOnWire(channel: FakeChannel): Record<string, unknown> {
  const { allows: _allows, ...shown } = channel;
  return shown;
}

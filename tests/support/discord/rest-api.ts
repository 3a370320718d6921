import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { parseCommands, type Command } from './check-commands.ts';
import { messagePayloadSchema, parsePayload, type SentFile } from './check-message.ts';
import { DiscordError, missingAccess, unknownChannel } from './discord-error.ts';
import type { DiscordState, FakeChannel, FakeMessage, FakeUser } from './discord-state.ts';
import type { InteractionDesk } from './interactions.ts';
import type { RateLimits } from './rate-limits.ts';
import { readBody } from './read-body.ts';

/** A call as it was answered. */
export interface AnsweredCall {
  method: string;
  path: string;
  status: number;
  /** Discord's error code. */
  code?: number;
  message?: string;
  atMs: number;
}

export interface RestApiOptions {
  token: string;
  botUser: FakeUser;
  state: DiscordState;
  desk: InteractionDesk;
  limits: RateLimits;
  now: () => number;
  gatewayUrl: () => string;
  openDirectChannel: (userId: string) => FakeChannel;
  maxFileBytesOf: (channel: FakeChannel) => number;
  commands: { current: (Command & { id: string })[]; write(commands: Command[]): void };
  /** Answers this call with a fault instead, if any is due. */
  fault: (method: string, path: string) => { status: number } | 'hang' | undefined;
  onCall: (call: AnsweredCall) => void;
}

interface Call {
  query: URLSearchParams;
  json: unknown;
  files: SentFile[];
  parts: string[];
}

interface Route {
  method: string;
  pattern: RegExp;
  /** The rule for its bucket; the first part of the path tells buckets apart. */
  bucket: string;
  /** Without the bot's token: the interaction's own is in the path. */
  open?: true;
  handle(call: Call): unknown;
}

/** Discord's REST interface, as far as a bot of this kind uses it: version 10. */
export function createRestApi(options: RestApiOptions) {
  const { state, desk, botUser } = options;

  const wire = (message: FakeMessage): Record<string, unknown> => state.toWire(message);
  const part = (call: Call, index: number): string => call.parts[index] ?? '';

  const routes: Route[] = [
    {
      method: 'GET',
      pattern: /^\/gateway\/bot$/,
      bucket: 'gateway',
      handle: () => ({
        url: options.gatewayUrl(),
        shards: 1,
        session_start_limit: { total: 1_000, remaining: 999, reset_after: 86_400_000, max_concurrency: 1 },
      }),
    },
    {
      method: 'GET',
      pattern: /^\/applications\/(\d+)\/commands$/,
      bucket: 'commands-read',
      handle: (call) =>
        options.commands.current.map((command) =>
          call.query.get('with_localizations') === 'true'
            ? { ...command, application_id: botUser.id, version: '1', nsfw: false }
            : { ...command, name_localizations: undefined, description_localizations: undefined },
        ),
    },
    {
      method: 'PUT',
      pattern: /^\/applications\/(\d+)\/commands$/,
      bucket: 'commands-write',
      handle(call) {
        options.commands.write(parseCommands(call.json));
        return options.commands.current;
      },
    },
    {
      method: 'POST',
      pattern: /^\/interactions\/(\d+)\/([^/]+)\/callback$/,
      bucket: 'callback',
      open: true,
      handle(call) {
        const interaction = desk.callback(part(call, 0), part(call, 1), call.json, call.files);
        if (call.query.get('with_response') !== 'true') return undefined;
        const { original } = interaction;
        return {
          interaction: {
            id: interaction.id,
            type: interaction.type,
            ...(original === undefined
              ? {}
              : {
                  response_message_id: original.id,
                  response_message_loading: interaction.deferred,
                  response_message_ephemeral: original.onlyFor !== undefined,
                }),
          },
          ...(original === undefined
            ? {}
            : { resource: { type: interaction.deferred ? 5 : 4, message: wire(original) } }),
        };
      },
    },
    {
      method: 'PATCH',
      pattern: /^\/webhooks\/(\d+)\/([^/]+)\/messages\/@original$/,
      bucket: 'answer-edit',
      open: true,
      handle: (call) => wire(desk.editOriginal(part(call, 1), call.json, call.files)),
    },
    {
      method: 'GET',
      pattern: /^\/webhooks\/(\d+)\/([^/]+)\/messages\/@original$/,
      bucket: 'answer-read',
      open: true,
      handle: (call) => wire(desk.original(part(call, 1))),
    },
    {
      method: 'DELETE',
      pattern: /^\/webhooks\/(\d+)\/([^/]+)\/messages\/@original$/,
      bucket: 'answer-delete',
      open: true,
      handle: (call) => desk.deleteOriginal(part(call, 1)),
    },
    {
      method: 'POST',
      pattern: /^\/channels\/(\d+)\/messages$/,
      bucket: 'message-create',
      handle(call) {
        const channel = state.channelFor(part(call, 0), 'send');
        const payload = parsePayload(messagePayloadSchema, call.json);
        const maxFileBytes = options.maxFileBytesOf(channel);
        return wire(state.create({ channelId: channel.id, author: botUser, payload, files: call.files, maxFileBytes }));
      },
    },
    {
      method: 'GET',
      pattern: /^\/channels\/(\d+)\/messages$/,
      bucket: 'message-list',
      handle(call) {
        const channel = state.channelFor(part(call, 0), 'view');
        if (!channel.allows.history) return [];
        const limit = z.coerce
          .number()
          .int()
          .min(1)
          .max(100)
          .parse(call.query.get('limit') ?? 50);
        const after = BigInt(call.query.get('after') ?? '0');
        const found = [...state.messages.values()]
          .filter((one) => one.channelId === channel.id && one.onlyFor === undefined && BigInt(one.id) > after)
          .sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
        // Those next after the given one, or the latest; newest first either way.
        return (call.query.has('after') ? found.slice(0, limit) : found.slice(-limit)).toReversed().map(wire);
      },
    },
    {
      method: 'GET',
      pattern: /^\/channels\/(\d+)\/messages\/(\d+)$/,
      bucket: 'message-read',
      handle(call) {
        state.channelFor(part(call, 0), 'view');
        return wire(state.messageFor(part(call, 0), part(call, 1)));
      },
    },
    {
      method: 'PATCH',
      pattern: /^\/channels\/(\d+)\/messages\/(\d+)$/,
      bucket: 'message-edit',
      handle(call) {
        const channel = state.channelFor(part(call, 0), 'view');
        const message = state.messageFor(channel.id, part(call, 1));
        if (message.author.id !== botUser.id) {
          throw new DiscordError(403, 50005, 'Cannot edit a message authored by another user');
        }
        const payload = parsePayload(
          messagePayloadSchema.omit({ message_reference: true, nonce: true, enforce_nonce: true }),
          call.json,
        );
        return wire(state.edit(message, payload, call.files, options.maxFileBytesOf(channel)));
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
        const { allows: _allows, ...shown } = channel;
        return shown;
      },
    },
  ];

  async function answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const method = request.method ?? 'GET';
    const path = decodeURIComponent(url.pathname).replace(/^\/api\/v10/, '');
    const finish = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
      const failure = status < 400 ? {} : { code: Number(codeOf(body)), message: JSON.stringify(body) };
      options.onCall({ method, path, status, atMs: options.now(), ...failure });
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    };
    const content = await readBody(request);
    const fault = options.fault(method, path);
    if (fault === 'hang') return;
    if (fault !== undefined) {
      finish(fault.status, { message: 'fault', code: 0 });
      return;
    }
    const route = routes.find((one) => one.method === method && one.pattern.test(path));
    if (route === undefined) {
      finish(404, { message: '404: Not Found', code: 0 });
      return;
    }
    const parts = [...(route.pattern.exec(path) ?? [])].slice(1);
    if (route.open !== true && request.headers.authorization !== `Bot ${options.token}`) {
      finish(401, { message: '401: Unauthorized', code: 0 });
      return;
    }
    // A token has its own bucket, as a channel has.
    const major = route.open === true ? (parts[1] ?? '') : (parts[0] ?? '');
    const limit = options.limits.take(route.bucket, major, route.open !== true);
    if (!limit.allowed) {
      const { global, retryAfterSeconds } = limit;
      const body = { message: 'You are being rate limited.', retry_after: retryAfterSeconds, global, code: 0 };
      finish(429, body, { ...limit.headers, 'retry-after': retryAfterSeconds.toFixed(3), via: 'fake' });
      return;
    }
    try {
      const result = route.handle({ query: url.searchParams, ...content, parts });
      finish(result === undefined ? 204 : 200, result, limit.headers);
    } catch (error) {
      if (!(error instanceof DiscordError)) throw error;
      finish(error.status, error.toJson(), limit.headers);
    }
  }

  return { answer };
}

function codeOf(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'code' in body ? body.code : 0;
}

import {
  type AnyComponent,
  checkMessage,
  componentsV2Flag,
  ephemeralFlag,
  flatten,
  loadingFlag,
  type MessagePayload,
  type SentFile,
} from './check-message.ts';
import { DiscordError, invalidForm, missingAccess, missingPermissions, unknownMessage } from './discord-error.ts';

export interface FakeUser {
  id: string;
  username: string;
  global_name: string;
  discriminator: string;
  avatar: null;
  bot?: boolean;
}

export interface FakeChannel {
  id: string;
  type: 0 | 1;
  name?: string;
  guild_id?: string;
  /** Of a direct channel. */
  recipients?: FakeUser[];
  /** What the bot may do there. */
  allows: { view: boolean; send: boolean; history: boolean };
}

export interface FakeAttachment {
  id: string;
  filename: string;
  description: string | undefined;
  content_type: string;
  size: number;
  url: string;
  proxy_url: string;
  bytes: Uint8Array;
}

/** A message as it stands now, with what happened to it. */
export interface FakeMessage {
  id: string;
  channelId: string;
  author: FakeUser;
  content: string;
  components: AnyComponent[];
  attachments: FakeAttachment[];
  flags: number;
  nonce: string | undefined;
  replyTo: string | undefined;
  /** The interaction that it answers. */
  interaction: { id: string; user: FakeUser } | undefined;
  /** Only this person sees it. */
  onlyFor: string | undefined;
  /** Who was notified when it was sent. */
  pinged: string[];
  createdAt: number;
  /** When it was edited, in milliseconds. */
  editedAt: number[];
}

export interface StateOptions {
  now: () => number;
  newId: () => string;
  timeScale: number;
  fileUrl: (path: string) => string;
  /** Told of every new, changed or deleted message. */
  onChange: (event: 'create' | 'update' | 'delete', message: FakeMessage) => void;
}

export interface NewMessage {
  channelId: string;
  author: FakeUser;
  payload: MessagePayload;
  files: readonly SentFile[];
  maxFileBytes: number;
  interaction?: { id: string; user: FakeUser };
  onlyFor?: string;
}

const nonceWindowMs = 5 * 60_000;
const oldMessageMs = 60 * 60_000;
const oldMessageEdits = 3;
const maxRequestBytes = 25 * 1_024 * 1_024;

/** Channels and messages, and what Discord's rules say about changing them. */
export function createDiscordState(options: StateOptions) {
  const { now, newId, timeScale } = options;
  const channels = new Map<string, FakeChannel>();
  const messages = new Map<string, FakeMessage>();

  function channelFor(channelId: string, need: 'view' | 'send'): FakeChannel {
    const channel = channels.get(channelId);
    if (channel === undefined) throw new DiscordError(404, 10003, 'Unknown Channel');
    if (!channel.allows.view) throw missingAccess();
    if (need === 'send' && !channel.allows.send) {
      throw channel.type === 1
        ? new DiscordError(403, 50007, 'Cannot send messages to this user')
        : missingPermissions();
    }
    return channel;
  }

  function store(
    channelId: string,
    payload: MessagePayload,
    files: readonly SentFile[],
    kept: readonly FakeAttachment[],
    maxFileBytes: number,
  ): FakeAttachment[] {
    const total = files.reduce((sum, file) => sum + file.bytes.length, 0);
    if (total > maxRequestBytes || files.some((file) => file.bytes.length > maxFileBytes)) {
      throw new DiscordError(413, 40005, 'Request entity too large');
    }
    const named: NonNullable<MessagePayload['attachments']> =
      payload.attachments ?? files.map((_, index) => ({ id: String(index) }));
    return named.map(({ id, ...given }): FakeAttachment => {
      const old = kept.find((attachment) => attachment.id === id);
      if (old !== undefined) return { ...old, description: given.description ?? old.description };
      const file = files[Number(id)];
      if (file === undefined) throw invalidForm({ attachments: `there is no files[${id}]` });
      const attachmentId = newId();
      const filename = given.filename ?? file.name;
      const url = options.fileUrl(`/attachments/${channelId}/${attachmentId}/${filename}`);
      return {
        id: attachmentId,
        filename,
        description: given.description,
        content_type: file.contentType,
        size: file.bytes.length,
        url,
        proxy_url: url,
        bytes: file.bytes,
      };
    });
  }

  function create(create: NewMessage): FakeMessage {
    const { channelId, author, payload } = create;
    const { nonce } = payload;
    if (payload.enforce_nonce === true && nonce !== undefined) {
      const same = [...messages.values()].find(
        (one) =>
          one.nonce === String(nonce) &&
          one.author.id === author.id &&
          one.channelId === channelId &&
          now() - one.createdAt < nonceWindowMs / timeScale,
      );
      if (same !== undefined) return same;
    }
    const replyTo = payload.message_reference?.message_id;
    if (replyTo !== undefined && messages.get(replyTo)?.channelId !== channelId) {
      if (payload.message_reference?.fail_if_not_exists !== false) {
        throw invalidForm({ message_reference: 'Unknown message' });
      }
    }
    const attachments = store(channelId, payload, create.files, [], create.maxFileBytes);
    const flags = payload.flags ?? 0;
    const isV2 = (flags & componentsV2Flag) !== 0;
    checkMessage(
      payload,
      isV2,
      attachments.map((one) => one.filename),
    );
    const components = numbered(payload.components ?? []);
    const message: FakeMessage = {
      id: newId(),
      channelId,
      author,
      content: payload.content ?? '',
      components,
      attachments,
      flags,
      nonce: nonce === undefined ? undefined : String(nonce),
      replyTo: replyTo !== undefined && messages.has(replyTo) ? replyTo : undefined,
      interaction: create.interaction,
      onlyFor: create.onlyFor,
      pinged: pinged(payload, components),
      createdAt: now(),
      editedAt: [],
    };
    messages.set(message.id, message);
    options.onChange('create', message);
    return message;
  }

  /** A message that only says that more follows. */
  function createLoading(of: Pick<NewMessage, 'channelId' | 'author' | 'interaction' | 'onlyFor'>): FakeMessage {
    const message: FakeMessage = {
      id: newId(),
      channelId: of.channelId,
      author: of.author,
      content: '',
      components: [],
      attachments: [],
      flags: loadingFlag | (of.onlyFor === undefined ? 0 : ephemeralFlag),
      nonce: undefined,
      replyTo: undefined,
      interaction: of.interaction,
      onlyFor: of.onlyFor,
      pinged: [],
      createdAt: now(),
      editedAt: [],
    };
    messages.set(message.id, message);
    options.onChange('create', message);
    return message;
  }

  function edit(
    message: FakeMessage,
    payload: MessagePayload,
    files: readonly SentFile[],
    maxFileBytes: number,
  ): FakeMessage {
    const isOld = now() - message.createdAt > oldMessageMs / timeScale;
    const recent = message.editedAt.filter((at) => now() - at < oldMessageMs / timeScale);
    if (isOld && recent.length >= oldMessageEdits) {
      throw new DiscordError(429, 30046, 'Maximum number of edits to messages older than 1 hour reached');
    }
    const isV2 = ((message.flags | (payload.flags ?? 0)) & componentsV2Flag) !== 0;
    const attachments =
      payload.attachments === undefined && files.length === 0
        ? message.attachments
        : store(message.channelId, payload, files, message.attachments, maxFileBytes);
    const merged: MessagePayload = {
      ...payload,
      components: payload.components ?? (message.components as MessagePayload['components']),
      content: payload.content === undefined ? message.content : payload.content,
    };
    checkMessage(
      merged,
      isV2,
      attachments.map((one) => one.filename),
    );
    message.content = merged.content ?? '';
    message.components = numbered(merged.components ?? []);
    message.attachments = attachments;
    message.flags = (message.flags & ~loadingFlag) | (isV2 ? componentsV2Flag : 0);
    message.editedAt.push(now());
    options.onChange('update', message);
    return message;
  }

  return {
    channels,
    messages,
    channelFor,
    create,
    createLoading,
    edit,
    /** A message that the bot may see. @throws DiscordError 10008 */
    messageFor(channelId: string, messageId: string): FakeMessage {
      const message = messages.get(messageId);
      if (message?.channelId !== channelId || message.onlyFor !== undefined) throw unknownMessage();
      return message;
    },
    delete(messageId: string): void {
      const message = messages.get(messageId);
      if (message === undefined) throw unknownMessage();
      messages.delete(messageId);
      options.onChange('delete', message);
    },
    /** As Discord gives a message to the bot. */
    toWire(message: FakeMessage): Record<string, unknown> {
      const referenced = message.replyTo === undefined ? undefined : messages.get(message.replyTo);
      const isDirect = channels.get(message.channelId)?.type === 1;
      return {
        id: message.id,
        channel_id: message.channelId,
        author: message.author,
        content: message.content,
        timestamp: new Date(message.createdAt).toISOString(),
        edited_timestamp: message.editedAt.length === 0 ? null : new Date(message.editedAt.at(-1) ?? 0).toISOString(),
        tts: false,
        mention_everyone: false,
        mentions: [],
        mention_roles: [],
        attachments: message.attachments.map(({ bytes: _bytes, ...wire }) => wire),
        embeds: [],
        components: message.components.map((one) => resolved(one, message.attachments)),
        pinned: false,
        type: message.interaction !== undefined ? 20 : message.replyTo === undefined ? 0 : 19,
        flags: message.flags,
        ...(message.author.bot === true ? { application_id: message.author.id } : {}),
        ...(message.interaction === undefined
          ? {}
          : { interaction_metadata: { ...message.interaction, type: 2, authorizing_integration_owners: {} } }),
        ...(message.replyTo === undefined
          ? {}
          : {
              message_reference: {
                type: 0,
                message_id: message.replyTo,
                channel_id: message.channelId,
                ...(isDirect ? {} : { guild_id: channels.get(message.channelId)?.guild_id }),
              },
              referenced_message: referenced === undefined ? null : { ...this.toWire(referenced) },
            }),
      };
    },
  };
}
export type DiscordState = ReturnType<typeof createDiscordState>;

/** Discord gives every component without an id the next free number. */
function numbered(components: readonly AnyComponent[]): AnyComponent[] {
  const copy = structuredClone([...components]);
  let next = 1;
  for (const component of flatten(copy)) component.id ??= next++;
  return copy;
}

function resolved(component: AnyComponent, attachments: readonly FakeAttachment[]): unknown {
  return JSON.parse(
    JSON.stringify(component, (key, value: unknown) => {
      if (key !== 'url' || typeof value !== 'string') return value;
      const name = /^attachment:\/\/(.+)$/.exec(value)?.[1];
      return attachments.find((one) => one.filename === name)?.url ?? value;
    }),
  );
}

/** Whom the text mentions, as far as the sender allows. */
function pinged(payload: MessagePayload, components: readonly AnyComponent[]): string[] {
  const texts = [payload.content ?? '', ...flatten(components).map((one) => (one.type === 10 ? one.content : ''))];
  const mentioned = new Set([...texts.join('\n').matchAll(/<@!?(\d+)>/g)].map((match) => match[1] ?? ''));
  const allowed = payload.allowed_mentions;
  return [...mentioned].filter(
    (id) => allowed === undefined || allowed.parse?.includes('users') === true || allowed.users?.includes(id) === true,
  );
}

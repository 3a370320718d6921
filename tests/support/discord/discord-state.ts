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

/** What the bot may do in a channel. */
export interface ChannelPermissions {
  view: boolean;
  send: boolean;
  history: boolean;
  attach: boolean;
  threads: boolean;
  pin: boolean;
}

export const allPermissions: ChannelPermissions = {
  view: true,
  send: true,
  history: true,
  attach: true,
  threads: true,
  pin: true,
};

export interface FakeChannel {
  id: string;
  /** Of a server, direct, a public thread. */
  type: 0 | 1 | 11;
  name?: string;
  guild_id?: string;
  nsfw?: boolean;
  /** Of a direct channel. */
  recipients?: FakeUser[];
  /** Of a thread. */
  parent_id?: string;
  owner_id?: string;
  thread_metadata?: { archived: boolean; auto_archive_duration: number; archive_timestamp: string; locked: boolean };
  /** A thread has those of its channel. */
  allows: ChannelPermissions;
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
  pinned: boolean;
  /** By emoji, who. */
  reactions: Map<string, Set<string>>;
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
const maxPins = 250;

/** Channels and messages, and what Discord's rules say about changing them. */
export function createDiscordState(options: StateOptions) {
  const { now, newId, timeScale } = options;
  const channels = new Map<string, FakeChannel>();
  const messages = new Map<string, FakeMessage>();
  /** By channel, and by what makes a repeat recognisable: a whole day of them must stay quick. */
  const byChannel = new Map<string, Set<FakeMessage>>();
  const byNonce = new Map<string, FakeMessage>();
  /** Files that somebody attached to a command or a form. */
  const uploads = new Map<string, FakeAttachment>();

  function keep(message: FakeMessage): void {
    messages.set(message.id, message);
    const inChannel = byChannel.get(message.channelId) ?? new Set();
    inChannel.add(message);
    byChannel.set(message.channelId, inChannel);
  }

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
      return attachmentOf(channelId, { ...file, name: given.filename ?? file.name }, given.description);
    });
  }

  function attachmentOf(channelId: string, file: SentFile, description?: string): FakeAttachment {
    const id = newId();
    const url = options.fileUrl(`/attachments/${channelId}/${id}/${encodeURIComponent(file.name)}`);
    return {
      id,
      filename: file.name,
      description,
      content_type: file.contentType,
      size: file.bytes.length,
      url,
      proxy_url: url,
      bytes: file.bytes,
    };
  }

  function create(create: NewMessage): FakeMessage {
    const { channelId, author, payload } = create;
    const { nonce } = payload;
    if (payload.enforce_nonce === true && nonce !== undefined) {
      const same = byNonce.get(`${channelId} ${author.id} ${nonce}`);
      // A nonce that a test took away is as good as expired.
      const isSame = same?.nonce === String(nonce) && messages.has(same.id);
      if (isSame && now() - same.createdAt < nonceWindowMs / timeScale) return same;
    }
    const replyTo = payload.message_reference?.message_id;
    if (replyTo !== undefined && messages.get(replyTo)?.channelId !== channelId) {
      if (payload.message_reference?.fail_if_not_exists !== false) {
        throw invalidForm({ message_reference: 'Unknown message' });
      }
    }
    if (create.files.length > 0 && author.bot === true && create.interaction === undefined) {
      if (channels.get(channelId)?.allows.attach === false) throw missingPermissions();
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
      pinned: false,
      reactions: new Map(),
    };
    keep(message);
    if (message.nonce !== undefined) byNonce.set(`${channelId} ${author.id} ${message.nonce}`, message);
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
      pinned: false,
      reactions: new Map(),
    };
    keep(message);
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
      byChannel.get(message.channelId)?.delete(message);
      options.onChange('delete', message);
    },
    /** What stands in a channel, oldest first. */
    inChannel: (channelId: string): FakeMessage[] => [...(byChannel.get(channelId) ?? [])],
    /** Forgets what is older, as nobody looks at it any more. */
    forgetBefore(at: number): number {
      let forgotten = 0;
      for (const message of messages.values()) {
        if (message.createdAt >= at || message.pinned) continue;
        messages.delete(message.id);
        byChannel.get(message.channelId)?.delete(message);
        if (message.nonce !== undefined) byNonce.delete(`${message.channelId} ${message.author.id} ${message.nonce}`);
        forgotten += 1;
      }
      return forgotten;
    },
    /** Takes a file that goes with a command or a form. */
    upload(channelId: string, file: SentFile): FakeAttachment {
      const attachment = attachmentOf(channelId, file);
      uploads.set(attachment.id, attachment);
      return attachment;
    },
    attachment(id: string): FakeAttachment | undefined {
      const inMessages = () => [...messages.values()].flatMap((one) => one.attachments).find((one) => one.id === id);
      return uploads.get(id) ?? inMessages();
    },
    pin(message: FakeMessage, pinned: boolean): void {
      const { allows } = channels.get(message.channelId) ?? {};
      if (allows?.pin === false) throw missingPermissions();
      const pins = [...(byChannel.get(message.channelId) ?? [])].filter((one) => one.pinned).length;
      if (pinned && !message.pinned && pins >= maxPins) {
        throw new DiscordError(400, 30003, 'Maximum number of pins reached');
      }
      message.pinned = pinned;
      options.onChange('update', message);
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
        reactions: [...message.reactions].map(([name, who]) => ({
          emoji: { id: null, name },
          count: who.size,
          count_details: { burst: 0, normal: who.size },
          burst_colors: [],
          me: false,
          me_burst: false,
        })),
        attachments: message.attachments.map(({ bytes: _bytes, ...wire }) => wire),
        embeds: [],
        components: message.components.map((one) => resolved(one, message.attachments)),
        pinned: message.pinned,
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

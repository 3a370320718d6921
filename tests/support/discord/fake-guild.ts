import { DiscordError } from './discord-error.ts';
import {
  allPermissions,
  type DiscordState,
  type FakeChannel,
  type FakeMessage,
  type FakeUser,
} from './discord-state.ts';
import {
  directMessagesIntent,
  directReactionsIntent,
  type Gateway,
  guildMessagesIntent,
  guildReactionsIntent,
  guildsIntent,
  messageContentIntent,
} from './gateway.ts';
import { threadOnWire } from './rest-routes.ts';

/** What a server knows of a person. */
export interface FakeMember {
  user: FakeUser;
  roles: string[];
  /** Permission bits, as a decimal number. */
  permissions: string;
  locale: string;
}

export interface FakeGuildOptions {
  id: string;
  ownerId: string;
  botUser: FakeUser;
  state: DiscordState;
  gateway: () => Gateway;
  now: () => number;
  newId: () => string;
}

const guildLocale = 'en-US';

/** One server with its channels and members, as events and answers show it. */
export function createFakeGuild(options: FakeGuildOptions) {
  const { botUser, state, now, newId } = options;
  const guild = { id: options.id, name: 'Studio', owner_id: options.ownerId };
  const members = new Map<string, FakeMember>();
  const roles = new Map<string, string>([[guild.id, '@everyone']]);

  function addRole(name: string): string {
    const role = { id: newId(), name, permissions: '0', position: roles.size, color: 0 };
    roles.set(role.id, name);
    const d = { guild_id: guild.id, role };
    options.gateway().dispatch({ t: 'GUILD_ROLE_CREATE', guildId: guild.id, intents: guildsIntent, d });
    return role.id;
  }

  function addChannel(name: string, more: { nsfw?: boolean } = {}): FakeChannel {
    const allows = { ...allPermissions };
    const added: FakeChannel = { id: newId(), type: 0, name, guild_id: guild.id, nsfw: more.nsfw ?? false, allows };
    state.channels.set(added.id, added);
    options.gateway().dispatch({
      t: 'CHANNEL_CREATE',
      guildId: guild.id,
      intents: guildsIntent,
      d: { ...threadOnWire(added), position: 0, permission_overwrites: [] },
    });
    return added;
  }

  function openThread(channel: FakeChannel, name: string, minutes: number, from?: FakeMessage): FakeChannel {
    const at = new Date(now()).toISOString();
    const opened: FakeChannel = {
      // A thread of a message has its id.
      id: from?.id ?? newId(),
      type: 11,
      name,
      guild_id: guild.id,
      parent_id: channel.id,
      owner_id: botUser.id,
      thread_metadata: { archived: false, auto_archive_duration: minutes, archive_timestamp: at, locked: false },
      allows: channel.allows,
    };
    state.channels.set(opened.id, opened);
    const d = { ...threadOnWire(opened), newly_created: true, message_count: 0, member_count: 1 };
    options.gateway().dispatch({ t: 'THREAD_CREATE', guildId: guild.id, intents: guildsIntent, d });
    return opened;
  }

  function openDirectChannel(userId: string): FakeChannel {
    const user = members.get(userId)?.user;
    if (user === undefined) throw new DiscordError(404, 10013, 'Unknown User');
    for (const known of state.channels.values()) if (known.recipients?.[0]?.id === userId) return known;
    const opened: FakeChannel = { id: newId(), type: 1, recipients: [user], allows: { ...allPermissions } };
    state.channels.set(opened.id, opened);
    return opened;
  }

  function memberOnWire(user: FakeUser): Record<string, unknown> {
    const member = members.get(user.id);
    const joined = new Date(0).toISOString();
    return {
      user,
      nick: null,
      roles: member?.roles ?? [],
      joined_at: joined,
      deaf: false,
      mute: false,
      flags: 0,
      permissions: member?.permissions ?? '0',
    };
  }

  function onWire(): Record<string, unknown> {
    const channels = [...state.channels.values()].filter((one) => one.guild_id !== undefined);
    return {
      ...guild,
      preferred_locale: guildLocale,
      premium_tier: 0,
      unavailable: false,
      large: false,
      member_count: members.size + 1,
      joined_at: new Date(now()).toISOString(),
      roles: [...roles].map(([id, name], position) => ({ id, name, permissions: '0', position, color: 0 })),
      emojis: [],
      stickers: [],
      features: [],
      members: [memberOnWire(botUser)],
      channels: channels
        .filter((one) => one.type === 0)
        .map((one) => ({ ...threadOnWire(one), position: 0, permission_overwrites: [] })),
      threads: channels.filter((one) => one.type === 11).map((one) => threadOnWire(one)),
      presences: [],
      voice_states: [],
      stage_instances: [],
    };
  }

  /** Where events of this channel go, and who gets them. */
  function routeOf(place: FakeChannel, ofGuild: number, direct: number) {
    return place.guild_id === undefined ? { intents: direct } : { guildId: place.guild_id, intents: ofGuild };
  }

  function dispatchMessage(event: 'create' | 'update' | 'delete', message: FakeMessage): void {
    const place = state.channels.get(message.channelId);
    if (place === undefined || !place.allows.view) return;
    const isDirect = place.type === 1;
    const route = routeOf(place, guildMessagesIntent, directMessagesIntent);
    const { id, channelId } = message;
    const guildId = isDirect ? {} : { guild_id: guild.id };
    if (event === 'delete') {
      options.gateway().dispatch({ t: 'MESSAGE_DELETE', ...route, d: { id, channel_id: channelId, ...guildId } });
      return;
    }
    const everybody = [botUser, ...[...members.values()].map((member) => member.user)];
    const named = message.content.includes('<@')
      ? everybody.filter((user) => message.content.includes(`<@${user.id}>`))
      : [];
    const answered = message.replyTo === undefined ? undefined : state.messages.get(message.replyTo)?.author;
    // A reply mentions whom it answers, unless its author switched that off.
    const mentions = answered === undefined || named.includes(answered) ? named : [...named, answered];
    const concernsBot = isDirect || message.author.id === botUser.id || mentions.some((user) => user.id === botUser.id);
    const { user: _user, ...member } = memberOnWire(message.author);
    const wire = state.toWire(message);
    options.gateway().dispatch({
      t: event === 'create' ? 'MESSAGE_CREATE' : 'MESSAGE_UPDATE',
      ...route,
      d: (intents: number) => ({
        ...wire,
        ...guildId,
        ...(isDirect ? { channel_type: 1 } : { member }),
        mentions: mentions.map((user) => ({ ...user, ...(isDirect ? {} : { member: {} }) })),
        ...(concernsBot || (intents & messageContentIntent) !== 0
          ? {}
          : { content: '', attachments: [], components: [] }),
      }),
    });
  }

  function react(message: FakeMessage, user: FakeUser, emoji: string, on: boolean): void {
    const place = state.channels.get(message.channelId);
    if (place === undefined) return;
    const who = message.reactions.get(emoji) ?? new Set<string>();
    if (on) who.add(user.id);
    else who.delete(user.id);
    if (who.size === 0) message.reactions.delete(emoji);
    else message.reactions.set(emoji, who);
    options.gateway().dispatch({
      t: on ? 'MESSAGE_REACTION_ADD' : 'MESSAGE_REACTION_REMOVE',
      ...routeOf(place, guildReactionsIntent, directReactionsIntent),
      d: {
        user_id: user.id,
        channel_id: message.channelId,
        message_id: message.id,
        emoji: { id: null, name: emoji },
        burst: false,
        type: 0,
        ...(place.guild_id === undefined ? {} : { guild_id: place.guild_id }),
        // Of one that is taken back, Discord says less.
        ...(on ? { message_author_id: message.author.id } : {}),
        ...(on && place.guild_id !== undefined ? { member: memberOnWire(user) } : {}),
      },
    });
  }

  return {
    guild,
    guildLocale,
    members,
    addRole,
    addChannel,
    openThread,
    openDirectChannel,
    memberOnWire,
    onWire,
    dispatchMessage,
    react,
  };
}
export type FakeGuild = ReturnType<typeof createFakeGuild>;

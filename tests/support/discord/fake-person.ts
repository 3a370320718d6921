import { type Choice, chooseOptions, type Command, findCommand, type TypedValue } from './check-commands.ts';
import { fillModal } from './check-modal.ts';
import { type AnyComponent, flatten, type SelectComponent, type SentFile } from './check-message.ts';
import type { DiscordState, FakeAttachment, FakeChannel, FakeMessage, FakeUser } from './discord-state.ts';
import type { FakeGuild, FakeMember } from './fake-guild.ts';
import type { Gateway } from './gateway.ts';
import type { FakeInteraction, InteractionDesk, InteractionType } from './interactions.ts';

/** What a person types into a command; a file is attached. */
export type OptionValues = Record<string, TypedValue | SentFile>;

/** A person in the server. What their client would not let them do throws. */
export interface FakePerson {
  readonly user: FakeUser;
  /** Uses a command (`imagine`, `workflow run`); in the channel, or directly to the bot. */
  slash(name: string, values?: OptionValues, channelId?: string): Promise<FakeInteraction>;
  /** Types into an option, and gets what is offered. */
  complete(name: string, option: string, typed: string, values?: Record<string, TypedValue>): Promise<Choice[]>;
  /** Uses a command of a message's menu. */
  menu(name: string, message: FakeMessage): Promise<FakeInteraction>;
  /** Writes a message. `attach` are files of it. */
  say(text: string, options?: { channelId?: string; attach?: SentFile[]; replyTo?: string }): Promise<FakeMessage>;
  /** Presses a button by its label, or by the start of its id. */
  press(message: FakeMessage, label: string | { id: string }): Promise<FakeInteraction>;
  /** Chooses from the select that offers this, by label or value. */
  choose(message: FakeMessage, choice: string): Promise<FakeInteraction>;
  /** Fills in the form that an interaction was answered with. */
  submit(interaction: FakeInteraction, values: Record<string, string>): Promise<FakeInteraction>;
  react(message: FakeMessage, emoji: string, on?: boolean): void;
  /** The channel of direct messages with the bot. */
  direct(): FakeChannel;
}

export interface PersonDeps {
  member: FakeMember;
  guild: FakeGuild;
  state: DiscordState;
  desk: InteractionDesk;
  gateway: Gateway;
  botUser: FakeUser;
  defaultChannelId: string;
  commands: () => readonly (Command & { id: string })[];
  maxFileBytesOf: (channel: FakeChannel) => number;
  until: <T>(what: string, look: () => T | undefined | null | false) => Promise<T>;
}

interface Begun {
  type: InteractionType;
  place: FakeChannel;
  data: unknown;
  message?: FakeMessage;
}

export function createFakePerson(deps: PersonDeps): FakePerson {
  const { member, guild, state, desk, gateway, botUser, until } = deps;
  const { user } = member;

  function placeOf(channelId: string): FakeChannel {
    const place = state.channels.get(channelId);
    if (place === undefined) throw new Error('no such channel');
    return place;
  }

  function onWire(interaction: FakeInteraction, place: FakeChannel): Record<string, unknown> {
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
      locale: member.locale,
      app_permissions: '0',
      entitlements: [],
      authorizing_integration_owners: isDirect ? { 0: '0' } : { 0: guild.guild.id },
      context: isDirect ? 1 : 0,
      attachment_size_limit: interaction.maxFileBytes,
      ...(isDirect
        ? { user }
        : { guild_id: guild.guild.id, guild_locale: guild.guildLocale, member: guild.memberOnWire(user) }),
    };
  }

  async function begin({ type, place, data, message }: Begun): Promise<FakeInteraction> {
    await until('the bot', () => gateway.connected);
    const maxFileBytes = deps.maxFileBytesOf(place);
    const interaction = desk.begin({ type, user, channelId: place.id, maxFileBytes, message });
    gateway.dispatch({
      t: 'INTERACTION_CREATE',
      ...(place.guild_id === undefined ? {} : { guildId: place.guild_id }),
      d: {
        ...onWire(interaction, place),
        data,
        ...(message === undefined ? {} : { message: state.toWire(message) }),
      },
    });
    return until(`an answer to ${JSON.stringify(data)}`, () => {
      if (interaction.failed) throw new Error(`The application did not respond to ${JSON.stringify(data)}`);
      return interaction.answeredAfterMs !== undefined && interaction;
    });
  }

  async function commandNamed(words: string) {
    const [first = ''] = words.split(' ');
    await until(`the command /${first}`, () => deps.commands().some((one) => one.type === 1 && one.name === first));
    return findCommand(deps.commands(), words);
  }

  function nested(path: readonly { type: number; name: string }[], options: unknown[]): unknown[] {
    const [outer, ...inner] = path;
    return outer === undefined ? options : [{ type: outer.type, name: outer.name, options: nested(inner, options) }];
  }

  function attached(values: OptionValues, channelId: string) {
    const typed: Record<string, TypedValue> = {};
    const attachments: Record<string, Omit<FakeAttachment, 'bytes'>> = {};
    for (const [name, value] of Object.entries(values)) {
      if (typeof value !== 'object') {
        typed[name] = value;
        continue;
      }
      const { bytes: _bytes, ...shown } = state.upload(channelId, value);
      attachments[shown.id] = shown;
      typed[name] = shown.id;
    }
    return { typed, resolved: Object.keys(attachments).length === 0 ? {} : { resolved: { attachments } } };
  }

  return {
    user,
    direct: () => guild.openDirectChannel(user.id),
    async slash(words, values = {}, channelId = deps.defaultChannelId) {
      const { command, path, options } = await commandNamed(words);
      const { typed, resolved } = attached(values, channelId);
      const chosen = nested(path, chooseOptions(words, options, typed));
      const data = { id: command.id, name: command.name, type: 1, options: chosen, ...resolved };
      return begin({ type: 2, place: placeOf(channelId), data });
    },
    async complete(words, option, typed, values = {}) {
      const { command, path, options } = await commandNamed(words);
      const chosen = nested(path, chooseOptions(words, options, { ...values, [option]: typed }, option));
      const data = { id: command.id, name: command.name, type: 1, options: chosen };
      const { choices } = await begin({ type: 4, place: placeOf(deps.defaultChannelId), data });
      if (choices === undefined) throw new Error('no choices');
      return choices;
    },
    async menu(menuName, message) {
      const command = await until(`the menu ${menuName}`, () =>
        deps.commands().find((one) => one.type === 3 && one.name === menuName),
      );
      const resolved = { messages: { [message.id]: state.toWire(message) } };
      const data = { id: command.id, name: command.name, type: 3, target_id: message.id, resolved };
      return begin({ type: 2, place: placeOf(message.channelId), data });
    },
    async say(text, { channelId = deps.defaultChannelId, attach = [], replyTo } = {}) {
      await until('the bot', () => gateway.connected);
      return state.create({
        channelId,
        author: user,
        payload: { content: text, ...(replyTo === undefined ? {} : { message_reference: { message_id: replyTo } }) },
        files: attach,
        maxFileBytes: 10_485_760,
      });
    },
    async press(message, label) {
      const button = buttonsOf(message).find((one) =>
        typeof label === 'string' ? one.label === label : one.custom_id?.startsWith(label.id),
      );
      const shown = typeof label === 'string' ? label : label.id;
      if (button?.custom_id === undefined) throw new Error(`there is no button ${shown}`);
      if (button.disabled === true) throw new Error(`the button ${shown} is disabled`);
      const data = { custom_id: button.custom_id, component_type: 2, id: button.id };
      return begin({ type: 3, place: placeOf(message.channelId), data, message });
    },
    async choose(message, choice) {
      for (const select of selectsOf(message)) {
        if (select.type !== 3) continue;
        const option = select.options.find((one) => one.label === choice || one.value === choice);
        if (option === undefined) continue;
        const data = { custom_id: select.custom_id, component_type: 3, id: select.id, values: [option.value] };
        return begin({ type: 3, place: placeOf(message.channelId), data, message });
      }
      throw new Error(`no select offers ${choice}`);
    },
    async submit(interaction, values) {
      const { modal, message } = interaction;
      if (modal === undefined) throw new Error('there is no form');
      const data = { custom_id: modal.custom_id, components: fillModal(modal, values) };
      const place = placeOf(interaction.channelId);
      return begin({ type: 5, place, data, ...(message === undefined ? {} : { message }) });
    },
    react: (message, emoji, on = true) => guild.react(message, user, emoji, on),
  };
}

export function buttonsOf(message: FakeMessage): Extract<AnyComponent, { type: 2 }>[] {
  return flatten(message.components).filter((one) => one.type === 2);
}

export function selectsOf(message: FakeMessage): SelectComponent[] {
  return flatten(message.components).filter((one): one is SelectComponent => one.type >= 3 && one.type <= 8);
}

/** Of each picture of a message, whether it is covered. */
export function coveredOf(message: FakeMessage): boolean[] {
  return flatten(message.components).flatMap((one) => {
    if (one.type === 9 && one.accessory.type === 11) return [one.accessory.spoiler === true];
    return one.type === 12 ? one.items.map((item) => item.spoiler === true) : [];
  });
}

/** All words of a message. */
export function textOf(message: FakeMessage): string {
  const texts = flatten(message.components).flatMap((one) => (one.type === 10 ? [one.content] : []));
  return [message.content, ...texts].filter((text) => text !== '').join('\n');
}

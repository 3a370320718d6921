import {
  type APIApplicationCommand,
  type APIChannel,
  type APIMessage,
  type APIModalInteractionResponseCallbackData,
  ComponentType,
  InteractionResponseType,
  makeURLSearchParams,
  MessageFlags,
  type RawFile,
  REST,
  type RESTPostAPIInteractionCallbackWithResponseResult,
  type RESTPutAPIApplicationCommandsJSONBody,
  Routes,
  SnowflakeUtil,
} from 'discord.js';
import { toDiscordFailure } from './discord-failure.ts';
import type { RequestGuard } from './guard-requests.ts';
import type { MessageBody } from './message-body.ts';
import type { MessageMarker } from './message-marker.ts';

/** An interaction's right to answer; good for 15 minutes. The token is a secret. */
export interface AnswerRight {
  interactionId: string;
  applicationId: string;
  token: string;
}

export interface SendOptions {
  marker?: MessageMarker;
  /** The message that is answered; it may be gone. */
  replyTo?: string;
  /** Who is notified; nobody else is, whatever the text says. */
  mention?: string;
}

/** The calls that this bot makes. Every one throws {@link DiscordFailure}, and waits as Discord's rate limits demand. */
export interface DiscordMessages {
  /** The first answer to an interaction, within 3 s. @returns the message's id where Discord names it. */
  answer(right: AnswerRight, body: MessageBody, options: { ephemeral: boolean }): Promise<string | undefined>;
  /** Says within 3 s that the answer will take longer. */
  defer(right: AnswerRight, options: { ephemeral: boolean }): Promise<string | undefined>;
  /** The first answer to a component: its message changes. */
  update(right: AnswerRight, body: MessageBody): Promise<void>;
  /** Says within 3 s that a component was used, and changes nothing yet. */
  deferUpdate(right: AnswerRight): Promise<void>;
  /** The first answer is a form. */
  showModal(right: AnswerRight, modal: APIModalInteractionResponseCallbackData): Promise<void>;
  complete(right: AnswerRight, choices: readonly { name: string; value: string }[]): Promise<void>;
  /** @param messageId of a follow-up; the first answer without it. */
  editAnswer(right: AnswerRight, body: MessageBody, messageId?: string): Promise<string>;
  deleteAnswer(right: AnswerRight): Promise<void>;
  /** A further message for an interaction that was answered. */
  followUp(right: AnswerRight, body: MessageBody, options: { ephemeral: boolean; mention?: string }): Promise<string>;
  send(channelId: string, body: MessageBody, options: SendOptions): Promise<string>;
  edit(channelId: string, messageId: string, body: MessageBody): Promise<void>;
  read(channelId: string, messageId: string): Promise<APIMessage>;
  pin(channelId: string, messageId: string): Promise<void>;
  remove(channelId: string, messageId: string): Promise<void>;
  /** A thread that begins at a message, whose id it has; it may be there already. */
  startThread(channelId: string, messageId: string, name: string): Promise<void>;
  openDirectChannel(userId: string): Promise<string>;
  /** A message of our own since that time that carries the marker or answers the interaction. @returns its id. */
  find(search: MessageSearch): Promise<string | undefined>;
  /** @param guildId the commands of one server; those for all without it. */
  readCommands(applicationId: string, guildId?: string): Promise<APIApplicationCommand[]>;
  writeCommands(
    applicationId: string,
    commands: RESTPutAPIApplicationCommandsJSONBody,
    guildId?: string,
  ): Promise<void>;
  /** The application that the token belongs to. */
  readApplicationId(): Promise<string>;
}

export interface MessageSearch {
  channelId: string;
  /** Only messages of this application count; undefined before the gateway has named it. */
  applicationId: string | undefined;
  since: Date;
  marker: MessageMarker;
  interactionId?: string;
}

export interface DiscordMessagesOptions {
  token: string;
  /** Such as `https://discord.com/api`. */
  apiUrl: string;
  /** A call that would have to wait longer than this fails with `rate_limited` and the time, and holds up nothing. */
  longestWaitMs?: number;
  guard: Pick<RequestGuard, 'makeRequest'>;
  /** A call waits, or fails, because of Discord's limits. */
  onStall?: ((waitMs: number) => void) | undefined;
}

/** Clocks differ, and a message's id is made when Discord takes it. */
const clockSlackMs = 60_000;
/** 24 h without a message put a thread away; it comes back with the next one. */
const threadMinutes = 1_440;
const threadExists = 160_004;

export function createDiscordMessages(options: DiscordMessagesOptions): DiscordMessages {
  const longestWaitMs = options.longestWaitMs ?? 10_000;
  const rest = new REST({
    version: '10',
    api: options.apiUrl,
    // More would outlast the lease of a delivery; the delivery itself is tried again.
    retries: 1,
    makeRequest: options.guard.makeRequest,
    // Asked before each wait, whether Discord refused a call or the library knows that it would.
    rejectOnRateLimit({ timeToReset, retryAfter, sublimitTimeout }) {
      const waitMs = Math.max(timeToReset, retryAfter, sublimitTimeout);
      options.onStall?.(waitMs);
      return waitMs > longestWaitMs;
    },
  }).setToken(options.token);

  async function calling<T>(call: Promise<unknown>): Promise<T> {
    try {
      return (await call) as T;
    } catch (error) {
      throw toDiscordFailure(error);
    }
  }

  function respond(right: AnswerRight, type: InteractionResponseType, data?: object, files: readonly RawFile[] = []) {
    return calling<RESTPostAPIInteractionCallbackWithResponseResult>(
      rest.post(Routes.interactionCallback(right.interactionId, right.token), {
        auth: false,
        query: makeURLSearchParams({ with_response: true }),
        body: { type, ...(data === undefined ? {} : { data }) },
        files: [...files],
      }),
    );
  }

  function commandsRoute(applicationId: string, guildId: string | undefined) {
    return guildId === undefined
      ? Routes.applicationCommands(applicationId)
      : Routes.applicationGuildCommands(applicationId, guildId);
  }

  return {
    async answer(right, body, { ephemeral }) {
      const type = InteractionResponseType.ChannelMessageWithSource;
      const response = await respond(right, type, { ...wire(body), flags: flagsOf(ephemeral) }, body.files);
      return response.resource?.message?.id ?? response.interaction.response_message_id;
    },
    async defer(right, { ephemeral }) {
      const data = ephemeral ? { flags: MessageFlags.Ephemeral } : {};
      const response = await respond(right, InteractionResponseType.DeferredChannelMessageWithSource, data);
      return response.resource?.message?.id ?? response.interaction.response_message_id;
    },
    async update(right, body) {
      const data = { ...wire(body), flags: MessageFlags.IsComponentsV2 };
      await respond(right, InteractionResponseType.UpdateMessage, data, body.files);
    },
    async deferUpdate(right) {
      await respond(right, InteractionResponseType.DeferredMessageUpdate);
    },
    async showModal(right, modal) {
      await respond(right, InteractionResponseType.Modal, modal);
    },
    async complete(right, choices) {
      await respond(right, InteractionResponseType.ApplicationCommandAutocompleteResult, { choices });
    },
    async editAnswer(right, body, messageId) {
      const message = await calling<APIMessage>(
        rest.patch(Routes.webhookMessage(right.applicationId, right.token, messageId), {
          auth: false,
          body: { ...wire(body), flags: MessageFlags.IsComponentsV2 },
          files: [...body.files],
        }),
      );
      return message.id;
    },
    async deleteAnswer(right) {
      await calling(rest.delete(Routes.webhookMessage(right.applicationId, right.token), { auth: false }));
    },
    async followUp(right, body, { ephemeral, mention }) {
      const message = await calling<APIMessage>(
        rest.post(Routes.webhook(right.applicationId, right.token), {
          auth: false,
          body: { ...wire(body, mention), flags: flagsOf(ephemeral) },
          files: [...body.files],
        }),
      );
      return message.id;
    },
    async send(channelId, body, { marker, replyTo, mention }) {
      const message = await calling<APIMessage>(
        rest.post(Routes.channelMessages(channelId), {
          body: {
            ...wire(body, mention),
            flags: MessageFlags.IsComponentsV2,
            ...(marker === undefined ? {} : { nonce: marker.nonce, enforce_nonce: true }),
            ...(replyTo === undefined ? {} : { message_reference: { message_id: replyTo, fail_if_not_exists: false } }),
          },
          files: [...body.files],
        }),
      );
      return message.id;
    },
    async edit(channelId, messageId, body) {
      await calling(
        rest.patch(Routes.channelMessage(channelId, messageId), {
          body: { ...wire(body), flags: MessageFlags.IsComponentsV2 },
          files: [...body.files],
        }),
      );
    },
    read: (channelId, messageId) => calling(rest.get(Routes.channelMessage(channelId, messageId))),
    async pin(channelId, messageId) {
      await calling(rest.put(Routes.channelMessagesPin(channelId, messageId)));
    },
    async remove(channelId, messageId) {
      await calling(rest.delete(Routes.channelMessage(channelId, messageId)));
    },
    async startThread(channelId, messageId, name) {
      try {
        const body = { name, auto_archive_duration: threadMinutes };
        await calling(rest.post(Routes.threads(channelId, messageId), { body }));
      } catch (error) {
        if (toDiscordFailure(error).details['code'] !== threadExists) throw error;
      }
    },
    async openDirectChannel(userId) {
      const channel = await calling<APIChannel>(rest.post(Routes.userChannels(), { body: { recipient_id: userId } }));
      return channel.id;
    },
    async find({ channelId, applicationId, since, marker, interactionId }) {
      const after = SnowflakeUtil.generate({ timestamp: since.getTime() - clockSlackMs }).toString();
      const messages = await calling<APIMessage[]>(
        rest.get(Routes.channelMessages(channelId), { query: makeURLSearchParams({ after, limit: 100 }) }),
      );
      return messages.find((message) => {
        const author = message.application_id;
        if (author !== undefined && applicationId !== undefined && author !== applicationId) return false;
        if (interactionId !== undefined && message.interaction_metadata?.id === interactionId) return true;
        return message.author.bot === true && carries(message, marker);
      })?.id;
    },
    readCommands: (applicationId, guildId) =>
      calling(
        rest.get(commandsRoute(applicationId, guildId), { query: makeURLSearchParams({ with_localizations: true }) }),
      ),
    async writeCommands(applicationId, commands, guildId) {
      await calling(rest.put(commandsRoute(applicationId, guildId), { body: commands }));
    },
    readApplicationId: async () => (await calling<{ id: string }>(rest.get(Routes.currentApplication()))).id,
  };
}

function flagsOf(ephemeral: boolean): number {
  return MessageFlags.IsComponentsV2 | (ephemeral ? MessageFlags.Ephemeral : 0);
}

/** Attachments are always named, so that an edit replaces those that were there. */
function wire(body: MessageBody, mention?: string) {
  return {
    components: body.components,
    attachments: body.files.map((file, index) => ({
      id: String(index),
      filename: file.name,
      ...(file.alt === undefined ? {} : { description: file.alt }),
    })),
    allowed_mentions: { parse: [], replied_user: false, ...(mention === undefined ? {} : { users: [mention] }) },
  };
}

function carries(message: APIMessage, marker: MessageMarker): boolean {
  const [first] = message.components ?? [];
  if (first?.id === marker.componentId) return true;
  return first?.type === ComponentType.Container && first.components.some((one) => one.id === marker.componentId);
}

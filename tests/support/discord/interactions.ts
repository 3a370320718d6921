import { z } from 'zod';
import type { Choice } from './check-commands.ts';
import { parseChoices } from './check-commands.ts';
import { ephemeralFlag, messagePayloadSchema, parsePayload, type SentFile } from './check-message.ts';
import { type FakeModal, parseModal } from './check-modal.ts';
import { DiscordError, invalidForm, unknownInteraction, unknownMessage } from './discord-error.ts';
import type { DiscordState, FakeMessage, FakeUser } from './discord-state.ts';

const tokenMs = 15 * 60_000;

/** Command 2, component 3, autocomplete 4, modal 5. */
export type InteractionType = 2 | 3 | 4 | 5;

/** Something that a person did, and what the bot made of it. */
export interface FakeInteraction {
  id: string;
  token: string;
  type: InteractionType;
  user: FakeUser;
  channelId: string;
  maxFileBytes: number;
  createdAt: number;
  /** Milliseconds until the first answer. */
  answeredAfterMs: number | undefined;
  deferred: boolean;
  /** The person read "The application did not respond". */
  failed: boolean;
  /** The answer; of a component that updates its message, that message. */
  original: FakeMessage | undefined;
  /** The message whose component was used. */
  message: FakeMessage | undefined;
  modal: FakeModal | undefined;
  choices: Choice[] | undefined;
  followUps: FakeMessage[];
}

const callbackSchema = z.strictObject({ type: z.literal([4, 5, 6, 7, 8, 9]), data: z.unknown().optional() });
const deferSchema = z.strictObject({ flags: z.int().optional() });
/** Which answers each kind of interaction may get. */
const answersOf: Record<InteractionType, readonly number[]> = {
  2: [4, 5, 9],
  3: [4, 5, 6, 7, 9],
  4: [8],
  5: [4, 5, 6, 7],
};
const editSchema = messagePayloadSchema.omit({ message_reference: true, nonce: true, enforce_nonce: true });

export type NewInteraction = Pick<FakeInteraction, 'type' | 'user' | 'channelId' | 'maxFileBytes' | 'message'>;

export interface InteractionDesk {
  readonly all: readonly FakeInteraction[];
  begin(of: NewInteraction): FakeInteraction;
  callback(id: string, token: string, body: unknown, files: readonly SentFile[]): FakeInteraction;
  followUp(token: string, body: unknown, files: readonly SentFile[]): FakeMessage;
  /** @param messageId `@original`, or that of a follow-up. */
  edit(token: string, messageId: string, body: unknown, files: readonly SentFile[]): FakeMessage;
  find(token: string, messageId: string): FakeMessage;
  delete(token: string, messageId: string): void;
  stop(): void;
}

/** Keeps Discord's rules for interactions: answered once, within 3 s, and edited for 15 minutes. */
export function createInteractionDesk(options: {
  state: DiscordState;
  botUser: FakeUser;
  now: () => number;
  newId: () => string;
  timeScale: number;
  /** How long a person waits for an answer. */
  ackMs: number;
  onChange: () => void;
}): InteractionDesk {
  const { state, now, timeScale } = options;
  const all: FakeInteraction[] = [];
  const byToken = new Map<string, FakeInteraction>();
  const timers = new Set<NodeJS.Timeout>();

  function withToken(token: string): FakeInteraction {
    const interaction = byToken.get(token);
    if (interaction === undefined) throw new DiscordError(404, 10015, 'Unknown Webhook');
    if (now() - interaction.createdAt > tokenMs / timeScale) {
      throw new DiscordError(401, 50027, 'Invalid Webhook Token');
    }
    return interaction;
  }

  function find(token: string, messageId: string): FakeMessage {
    const { original, followUps } = withToken(token);
    const found = messageId === '@original' ? original : [original, ...followUps].find((one) => one?.id === messageId);
    if (found === undefined || !state.messages.has(found.id)) throw unknownMessage();
    return found;
  }

  function answerOf(interaction: FakeInteraction) {
    return {
      channelId: interaction.channelId,
      author: options.botUser,
      interaction: { id: interaction.id, user: interaction.user },
    };
  }

  function privately(interaction: FakeInteraction, flags = 0): { onlyFor?: string } {
    return (flags & ephemeralFlag) === 0 ? {} : { onlyFor: interaction.user.id };
  }

  function answer(interaction: FakeInteraction, type: number, data: unknown, files: readonly SentFile[]): void {
    const { maxFileBytes } = interaction;
    if (type === 4) {
      const payload = parsePayload(messagePayloadSchema.omit({ message_reference: true }), data);
      const whom = privately(interaction, payload.flags);
      interaction.original = state.create({ ...answerOf(interaction), ...whom, payload, files, maxFileBytes });
    } else if (type === 5) {
      const { flags } = parsePayload(deferSchema, data ?? {});
      interaction.original = state.createLoading({ ...answerOf(interaction), ...privately(interaction, flags) });
      interaction.deferred = true;
    } else if (type === 6) {
      interaction.original = interaction.message;
      interaction.deferred = true;
    } else if (type === 7) {
      if (interaction.message === undefined) throw invalidForm({ type: 'there is no message to update' });
      interaction.original = interaction.message;
      state.edit(interaction.message, parsePayload(editSchema, data), files, maxFileBytes);
    } else if (type === 8) interaction.choices = parseChoices(data);
    else interaction.modal = parseModal(data);
  }

  return {
    all,
    find,
    begin(of) {
      const interaction: FakeInteraction = {
        ...of,
        id: options.newId(),
        token: `token-${options.newId()}`,
        createdAt: now(),
        answeredAfterMs: undefined,
        deferred: false,
        failed: false,
        original: undefined,
        modal: undefined,
        choices: undefined,
        followUps: [],
      };
      all.push(interaction);
      byToken.set(interaction.token, interaction);
      const timer = setTimeout(() => {
        timers.delete(timer);
        interaction.failed = interaction.answeredAfterMs === undefined;
        options.onChange();
      }, options.ackMs);
      timers.add(timer);
      return interaction;
    },
    callback(id, token, body, files) {
      const interaction = byToken.get(token);
      if (interaction === undefined || interaction.id !== id || interaction.failed) throw unknownInteraction();
      if (interaction.answeredAfterMs !== undefined) {
        throw new DiscordError(400, 40060, 'Interaction has already been acknowledged.');
      }
      const { type, data } = parsePayload(callbackSchema, body);
      if (!answersOf[interaction.type].includes(type)) throw invalidForm({ type: 'not for this kind of interaction' });
      answer(interaction, type, data, files);
      interaction.answeredAfterMs = now() - interaction.createdAt;
      options.onChange();
      return interaction;
    },
    followUp(token, body, files) {
      const interaction = withToken(token);
      if (interaction.answeredAfterMs === undefined) throw unknownInteraction();
      const payload = parsePayload(messagePayloadSchema.omit({ message_reference: true }), body);
      const { maxFileBytes } = interaction;
      const whom = privately(interaction, payload.flags);
      const sent = state.create({ ...answerOf(interaction), ...whom, payload, files, maxFileBytes });
      interaction.followUps.push(sent);
      return sent;
    },
    edit(token, messageId, body, files) {
      return state.edit(find(token, messageId), parsePayload(editSchema, body), files, withToken(token).maxFileBytes);
    },
    delete: (token, messageId) => state.delete(find(token, messageId).id),
    stop() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

import { z } from 'zod';
import { ephemeralFlag, messagePayloadSchema, parsePayload, type SentFile } from './check-message.ts';
import { DiscordError, invalidForm, unknownInteraction, unknownMessage } from './discord-error.ts';
import type { DiscordState, FakeMessage, FakeUser } from './discord-state.ts';

const ackMs = 3_000;
const tokenMs = 15 * 60_000;

/** Something that a person did, and what the bot made of it. */
export interface FakeInteraction {
  id: string;
  token: string;
  type: 2 | 3;
  user: FakeUser;
  channelId: string;
  maxFileBytes: number;
  createdAt: number;
  /** Milliseconds until the first answer. */
  answeredAfterMs: number | undefined;
  deferred: boolean;
  /** The person read "The application did not respond". */
  failed: boolean;
  original: FakeMessage | undefined;
}

const callbackSchema = z.strictObject({ type: z.literal([4, 5, 6]), data: z.unknown().optional() });
const deferSchema = z.strictObject({ flags: z.int().optional() });

export interface InteractionDesk {
  readonly all: readonly FakeInteraction[];
  begin(of: Pick<FakeInteraction, 'type' | 'user' | 'channelId' | 'maxFileBytes'>): FakeInteraction;
  callback(id: string, token: string, body: unknown, files: readonly SentFile[]): FakeInteraction;
  editOriginal(token: string, body: unknown, files: readonly SentFile[]): FakeMessage;
  original(token: string): FakeMessage;
  deleteOriginal(token: string): void;
  stop(): void;
}

/** Keeps Discord's rules for interactions: answered once, within 3 s, and edited for 15 minutes. */
export function createInteractionDesk(options: {
  state: DiscordState;
  botUser: FakeUser;
  now: () => number;
  newId: () => string;
  timeScale: number;
  onChange: () => void;
}): InteractionDesk {
  const { state, now, timeScale } = options;
  const all: FakeInteraction[] = [];
  const timers = new Set<NodeJS.Timeout>();

  function withToken(token: string): FakeInteraction {
    const interaction = all.find((one) => one.token === token);
    if (interaction === undefined) throw new DiscordError(404, 10015, 'Unknown Webhook');
    if (now() - interaction.createdAt > tokenMs / timeScale) {
      throw new DiscordError(401, 50027, 'Invalid Webhook Token');
    }
    return interaction;
  }

  function original(token: string): FakeMessage {
    const interaction = withToken(token);
    if (interaction.original === undefined || !state.messages.has(interaction.original.id)) throw unknownMessage();
    return interaction.original;
  }

  return {
    all,
    original,
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
      };
      all.push(interaction);
      const timer = setTimeout(() => {
        timers.delete(timer);
        interaction.failed = interaction.answeredAfterMs === undefined;
        options.onChange();
      }, ackMs / timeScale);
      timers.add(timer);
      return interaction;
    },
    callback(id, token, body, files) {
      const interaction = all.find((one) => one.id === id && one.token === token);
      if (interaction === undefined || interaction.failed) throw unknownInteraction();
      if (interaction.answeredAfterMs !== undefined) {
        throw new DiscordError(400, 40060, 'Interaction has already been acknowledged.');
      }
      const { type, data } = parsePayload(callbackSchema, body);
      if (type === 6 && interaction.type !== 3) throw invalidForm({ type: 'only components are updated' });
      const of = {
        channelId: interaction.channelId,
        author: options.botUser,
        interaction: { id: interaction.id, user: interaction.user },
      };
      if (type === 4) {
        const payload = parsePayload(messagePayloadSchema.omit({ message_reference: true }), data);
        const onlyFor = ((payload.flags ?? 0) & ephemeralFlag) === 0 ? {} : { onlyFor: interaction.user.id };
        const { maxFileBytes } = interaction;
        interaction.original = state.create({ ...of, ...onlyFor, payload, files, maxFileBytes });
      } else if (type === 5) {
        const { flags = 0 } = parsePayload(deferSchema, data ?? {});
        const onlyFor = (flags & ephemeralFlag) === 0 ? {} : { onlyFor: interaction.user.id };
        interaction.original = state.createLoading({ ...of, ...onlyFor });
        interaction.deferred = true;
      }
      interaction.answeredAfterMs = now() - interaction.createdAt;
      options.onChange();
      return interaction;
    },
    editOriginal(token, body, files) {
      const message = original(token);
      const payload = parsePayload(
        messagePayloadSchema.omit({ message_reference: true, nonce: true, enforce_nonce: true }),
        body,
      );
      return state.edit(message, payload, files, withToken(token).maxFileBytes);
    },
    deleteOriginal: (token) => state.delete(original(token).id),
    stop() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

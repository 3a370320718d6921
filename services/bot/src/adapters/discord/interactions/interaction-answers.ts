import { setTimeout as delay } from 'node:timers/promises';
import type { RepliableInteraction } from 'discord.js';
import type { Logger } from 'pino';
import type { AnswerRight, DiscordMessages } from '../messages/discord-messages.ts';
import type { MessageBody } from '../messages/message-body.ts';
import type { MessageRef } from '../messages/message-ref.ts';

/** What an interaction is answered with. */
export interface Answer {
  body: MessageBody;
  /** Only the person sees it. After a deferral that decides. */
  ephemeral: boolean;
  /** It is the card of the request: it need not be drawn again. */
  isCard?: true;
}

/** The card of a request, given as the answer to an interaction. */
export interface PlacedAnswer {
  ref: MessageRef;
  /** What it shows; undefined where it is not the card, but words such as those of a failure. */
  card: MessageBody | undefined;
}

export interface InteractionAnswers {
  /**
   * Answers within Discord's 3 s whatever happens: with what `produce` gives if that comes within 1.5 s, else with a
   * deferral that it replaces later. Never throws.
   *
   * @param asks the request that the interaction makes: its card is the answer.
   */
  answer(
    interaction: RepliableInteraction,
    options: { deferEphemeral: boolean; asks?: string },
    produce: () => Promise<Answer>,
  ): Promise<void>;
  /** Where the answer to the interaction that made this request stands; undefined where this process gave none. */
  placed(requestId: string): Promise<PlacedAnswer | undefined>;
  /** The right to edit that answer, for as long as Discord grants it. */
  right(requestId: string): AnswerRight | undefined;
}

const deferAfterMs = 1_500;
/** Discord grants 15 minutes; an edit under way needs some of them. */
const rightMs = 14 * 60_000;

interface Kept {
  right: AnswerRight;
  placed: Promise<PlacedAnswer | undefined>;
  until: number;
}

export function createInteractionAnswers(deps: {
  messages: Pick<DiscordMessages, 'answer' | 'defer' | 'editAnswer'>;
  log: Logger;
  now: () => number;
}): InteractionAnswers {
  const { messages, log, now } = deps;
  const kept = new Map<string, Kept>();

  function keep(requestId: string, right: AnswerRight, placed: Promise<PlacedAnswer | undefined>): void {
    for (const [id, { until }] of kept) {
      // The oldest come first.
      if (until > now()) break;
      kept.delete(id);
    }
    kept.set(requestId, { right, placed, until: now() + rightMs });
  }

  async function respond(
    right: AnswerRight,
    deferEphemeral: boolean,
    produced: Promise<Answer>,
  ): Promise<{ messageId: string | undefined; answer: Answer; ephemeral: boolean }> {
    const waited = new AbortController();
    const late = delay(deferAfterMs, undefined, { signal: waited.signal }).catch(() => undefined);
    const quick = await Promise.race([produced, late]);
    waited.abort();
    if (quick !== undefined) {
      const messageId = await messages.answer(right, quick.body, quick);
      return { messageId, answer: quick, ephemeral: quick.ephemeral };
    }
    await messages.defer(right, { ephemeral: deferEphemeral });
    const answer = await produced;
    return { messageId: await messages.editAnswer(right, answer.body), answer, ephemeral: deferEphemeral };
  }

  return {
    async answer(interaction, { deferEphemeral, asks }, produce) {
      const { id: interactionId, applicationId, token, channelId } = interaction;
      const right = { interactionId, applicationId, token };
      const placing = Promise.withResolvers<PlacedAnswer | undefined>();
      if (asks !== undefined) keep(asks, right, placing.promise);
      let placed: PlacedAnswer | undefined;
      try {
        const { messageId, answer, ephemeral } = await respond(right, deferEphemeral, produce());
        if (messageId !== undefined && channelId !== null && !ephemeral) {
          const ref = { channelId, messageId, maxFileBytes: interaction.attachmentSizeLimit, notified: false };
          placed = { ref, card: answer.isCard === true ? answer.body : undefined };
        }
      } catch (error) {
        // What was accepted is delivered all the same, by a message of the bot's own.
        log.warn({ err: error, interaction_id: interactionId }, 'an interaction could not be answered');
      } finally {
        placing.resolve(placed);
      }
    },
    placed: async (requestId) => kept.get(requestId)?.placed,
    right(requestId) {
      const found = kept.get(requestId);
      return found === undefined || found.until <= now() ? undefined : found.right;
    },
  };
}

import { setTimeout as delay } from 'node:timers/promises';
import type { APIModalInteractionResponseCallbackData } from 'discord.js';
import type { Logger } from 'pino';
import { isFailure } from '../messages/discord-failure.ts';
import type { AnswerRight, DiscordMessages } from '../messages/discord-messages.ts';
import type { MessageBody } from '../messages/message-body.ts';
import type { MessageRef } from '../messages/message-ref.ts';

/** What an interaction is answered with. */
export type Answer =
  | {
      kind: 'message';
      body: MessageBody;
      /** Only the person sees it. */
      ephemeral: boolean;
      /** It is the card of the request: it need not be drawn again. */
      isCard?: true;
    }
  /** The message whose component was used becomes this. */
  | { kind: 'update'; body: MessageBody }
  | { kind: 'modal'; modal: APIModalInteractionResponseCallbackData };

/**
 * What is said when the answer takes too long: that it follows in a message for everybody or for the person alone, nothing
 * (the message will change), or (a form cannot follow later) these words.
 */
export type Deferral = 'public' | 'private' | 'update' | { instead: MessageBody };

/** The card of a request, given as the answer to an interaction. */
export interface PlacedAnswer {
  ref: MessageRef;
  /** What it shows; undefined where it is not the card, but words such as those of a failure. */
  card: MessageBody | undefined;
}

/** What of an interaction an answer needs. */
export interface Answerable {
  id: string;
  applicationId: string;
  token: string;
  channelId: string | null;
  attachmentSizeLimit: number;
}

export interface InteractionAnswers {
  /**
   * Answers within Discord's 3 s whatever happens: with what `produce` gives if that comes within 0.9 s, else with a
   * deferral that it replaces later. Never throws.
   *
   * @param asks the request that the interaction would make: its card is the answer.
   */
  answer(
    interaction: Answerable,
    options: { deferral: Deferral; asks: string },
    produce: () => Promise<Answer>,
  ): Promise<void>;
  /** Where the answer to the interaction that made this request stands; undefined where this process gave none. */
  placed(requestId: string): Promise<PlacedAnswer | undefined>;
  /** Edits that answer by the interaction's own right. False where that is over, or was never ours. */
  edit(requestId: string, ref: MessageRef, body: MessageBody): Promise<boolean>;
  /** Says something more to the person alone. False where the right is over. */
  followUp(requestId: string, body: MessageBody, mention?: string): Promise<string | undefined>;
}

export interface InteractionAnswersDeps {
  messages: Pick<
    DiscordMessages,
    'answer' | 'defer' | 'update' | 'deferUpdate' | 'showModal' | 'editAnswer' | 'deleteAnswer' | 'followUp'
  >;
  log: Logger;
  /** In milliseconds. */
  now: () => number;
  /** How long Discord grants the right to edit an answer, less what an edit under way needs. */
  rightMs?: number;
}

/** Discord waits 3 s, people less: whatever holds the answer up, they see within a second that it comes. */
const deferAfterMs = 900;
/** A form cannot come after a deferral, so it has a little longer. */
const formAfterMs = 2_300;
/** Discord grants 15 minutes; an edit under way needs some of them. */
const defaultRightMs = 14 * 60_000;

interface Kept {
  right: AnswerRight;
  placed: Promise<PlacedAnswer | undefined>;
  /** The follow-up that the card is; the first answer without it. */
  followUpId: string | undefined;
  until: number;
}

interface Given {
  messageId: string | undefined;
  answer: Answer;
  ephemeral: boolean;
  followUpId?: string;
}

export function createInteractionAnswers(deps: InteractionAnswersDeps): InteractionAnswers {
  const { messages, log, now } = deps;
  const rightMs = deps.rightMs ?? defaultRightMs;
  const kept = new Map<string, Kept>();

  function keep(requestId: string, right: AnswerRight, placed: Promise<PlacedAnswer | undefined>): Kept {
    for (const [id, { until }] of kept) {
      // The oldest come first.
      if (until > now()) break;
      kept.delete(id);
    }
    const added: Kept = { right, placed, followUpId: undefined, until: now() + rightMs };
    kept.set(requestId, added);
    return added;
  }

  function rightOf(requestId: string): Kept | undefined {
    const found = kept.get(requestId);
    return found === undefined || found.until <= now() ? undefined : found;
  }

  async function respond(right: AnswerRight, deferral: Deferral, produced: Promise<Answer>): Promise<Given> {
    const waited = new AbortController();
    const waitMs = typeof deferral === 'object' ? formAfterMs : deferAfterMs;
    const late = delay(waitMs, undefined, { signal: waited.signal }).catch(() => undefined);
    const quick = await Promise.race([produced, late]);
    waited.abort();
    if (quick !== undefined) return giveAtOnce(right, quick);
    if (typeof deferral === 'object') {
      const answer: Answer = { kind: 'message', body: deferral.instead, ephemeral: true };
      // Whatever comes of it is told by its card.
      produced.catch(() => undefined);
      return giveAtOnce(right, answer);
    }
    if (deferral === 'update') {
      await messages.deferUpdate(right);
      return giveAfterUpdate(right, await produced);
    }
    await messages.defer(right, { ephemeral: deferral === 'private' });
    return giveAfterDeferral(right, deferral === 'private', await produced);
  }

  async function giveAtOnce(right: AnswerRight, answer: Answer): Promise<Given> {
    if (answer.kind === 'modal') await messages.showModal(right, answer.modal);
    else if (answer.kind === 'update') await messages.update(right, answer.body);
    else {
      const messageId = await messages.answer(right, answer.body, answer);
      return { messageId, answer, ephemeral: answer.ephemeral };
    }
    return { messageId: undefined, answer, ephemeral: true };
  }

  async function giveAfterUpdate(right: AnswerRight, answer: Answer): Promise<Given> {
    if (answer.kind === 'update') await messages.editAnswer(right, answer.body);
    else if (answer.kind === 'message') {
      const followUpId = await messages.followUp(right, answer.body, answer);
      return { messageId: followUpId, answer, ephemeral: answer.ephemeral, followUpId };
    }
    return { messageId: undefined, answer, ephemeral: true };
  }

  async function giveAfterDeferral(right: AnswerRight, deferredPrivate: boolean, answer: Answer): Promise<Given> {
    // A form or an update cannot follow a deferral of this kind: whoever produces them does not defer so.
    if (answer.kind === 'modal') return { messageId: undefined, answer, ephemeral: deferredPrivate };
    const isPrivateCard = answer.kind === 'message' && answer.isCard === true && answer.ephemeral;
    const isPublicCard = answer.kind === 'message' && answer.isCard === true && !answer.ephemeral;
    const fits = deferredPrivate ? !isPublicCard : !isPrivateCard;
    if (fits) {
      const messageId = await messages.editAnswer(right, answer.body);
      return { messageId, answer, ephemeral: deferredPrivate };
    }
    // The first further message takes the place of the deferral, with its visibility: so that one goes first.
    await messages.deleteAnswer(right);
    const followUpId = await messages.followUp(right, answer.body, { ephemeral: isPrivateCard });
    return { messageId: followUpId, answer, ephemeral: isPrivateCard, followUpId };
  }

  return {
    async answer(interaction, { deferral, asks }, produce) {
      const { id: interactionId, applicationId, token, channelId } = interaction;
      const right = { interactionId, applicationId, token };
      const placing = Promise.withResolvers<PlacedAnswer | undefined>();
      const mine = keep(asks, right, placing.promise);
      let placed: PlacedAnswer | undefined;
      try {
        const { messageId, answer, ephemeral, followUpId } = await respond(right, deferral, produce());
        mine.followUpId = followUpId;
        const isCard = answer.kind === 'message' && answer.isCard === true;
        // Words for one person are not the place of a card for all.
        if (messageId !== undefined && channelId !== null && (isCard || !ephemeral)) {
          const maxFileBytes = interaction.attachmentSizeLimit;
          const ref = { channelId, messageId, maxFileBytes, notified: false, ephemeral };
          placed = { ref, card: isCard ? answer.body : undefined };
        }
      } catch (error) {
        // What was accepted is delivered all the same, by a message of the bot's own.
        if (isFailure(error, 'already_answered')) log.info({ interaction_id: interactionId }, 'it had an answer');
        else log.warn({ err: error, interaction_id: interactionId }, 'an interaction could not be answered');
      } finally {
        placing.resolve(placed);
      }
    },
    placed: async (requestId) => kept.get(requestId)?.placed,
    async edit(requestId, ref, body) {
      const found = rightOf(requestId);
      if (found === undefined || (await found.placed)?.ref.messageId !== ref.messageId) return false;
      try {
        await messages.editAnswer(found.right, body, found.followUpId);
        return true;
      } catch (error) {
        if (!isFailure(error, 'token_expired')) throw error;
        return false;
      }
    },
    async followUp(requestId, body, mention) {
      const found = rightOf(requestId);
      if (found === undefined) return undefined;
      try {
        const options = { ephemeral: true, ...(mention === undefined ? {} : { mention }) };
        return await messages.followUp(found.right, body, options);
      } catch (error) {
        if (!isFailure(error, 'token_expired')) throw error;
        return undefined;
      }
    },
  };
}

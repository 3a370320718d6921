import type { Logger } from 'pino';
import type { LivePreview } from '@atelier/shared/contracts/live';
import { shorten } from '@atelier/shared/text/shorten';
import type { CardFacts } from '../../../core/cards/card-facts.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import type { ChatCore } from '../../../ports.ts';
import { drawJobCard } from '../cards/draw-job-card.ts';
import { toDiscordFailure } from '../messages/discord-failure.ts';
import type { AttachedFile, MessageBody } from '../messages/message-body.ts';
import { markerOf } from '../messages/message-marker.ts';
import type { MessageRef } from '../messages/message-ref.ts';

export interface LiveCardsDeps {
  chat: Pick<ChatCore, 'live' | 'readQueue' | 'preview' | 'languageFor'>;
  /** Edits the card, by whatever right is left. */
  edit: (requestId: string, ref: MessageRef, body: MessageBody) => Promise<void>;
  /** Where a request's card stands, of one that another process placed. */
  readCardRef: (requestId: string) => Promise<MessageRef | undefined>;
  log: Logger;
  /** In milliseconds since 1970. */
  now: () => number;
  /** Between two edits of one message. */
  spacingMs?: number;
  /** How often waiting cards get a new estimate. */
  refreshMs?: number;
  /** Discord allows few edits of messages that are older. */
  oldMs?: number;
}

/**
 * The cards of open requests. Edits are merged: a message gets at most one per 3 s, one that is nearly an hour old at most
 * one per 10 minutes, a channel one at a time.
 */
export interface LiveCards {
  /** The request's card stands there from now on, and shows this. */
  open(facts: CardFacts, ref: MessageRef, shown: MessageBody): void;
  /** Something changed. */
  offer(facts: CardFacts): void;
  /** Ends the edits, and waits for the one under way: what is sent next is what stays. */
  close(requestId: string): Promise<void>;
  /** Edits none of them any more until something is told of them again: another process does. */
  forget(): void;
  start(): void;
  stop(): Promise<void>;
}

interface LiveCard {
  facts: CardFacts;
  /** Undefined while it is looked up. */
  ref: MessageRef | undefined;
  /** On the monotonic clock. */
  notBefore: number;
  timer: NodeJS.Timeout | undefined;
  editing: Promise<void> | undefined;
  /** A change came while editing. */
  again: boolean;
  /** What the message shows, less what changes all the time. */
  shown: string;
  /** The preview that it shows. */
  preview: string | undefined;
}

const busyChannelMs = 250;
/** An old card keeps its few edits for what matters. */
const oldSpacingFactor = 200;
/** Requests whose end is remembered, so that news on their way do not bring them back. */
const maxEnded = 1_000;
const maxAltChars = 1_024;

export function createLiveCards(deps: LiveCardsDeps): LiveCards {
  const { chat, log } = deps;
  const spacingMs = deps.spacingMs ?? 3_000;
  const refreshMs = deps.refreshMs ?? 10_000;
  const oldMs = deps.oldMs ?? 55 * 60_000;
  const cards = new Map<string, LiveCard>();
  const ended = new Set<string>();
  const busyChannels = new Set<string>();
  let refreshTimer: NodeJS.Timeout | undefined;
  let stopped = false;

  function add(facts: CardFacts, ref: MessageRef | undefined): LiveCard {
    // It may have been placed, or edited by another process, just now.
    const notBefore = performance.now() + spacingMs;
    const idle = { timer: undefined, editing: undefined, again: false, preview: undefined };
    const card: LiveCard = { facts, ref, notBefore, shown: '', ...idle };
    cards.set(facts.request.id, card);
    return card;
  }

  function lookUp(card: LiveCard): void {
    const { id } = card.facts.request;
    deps.readCardRef(id).then(
      (ref) => {
        if (cards.get(id) !== card || card.ref !== undefined) return;
        card.ref = ref;
        // Its card is still owed: the delivery opens it.
        if (ref === undefined) cards.delete(id);
        else schedule(card);
      },
      (error: unknown) => {
        log.debug({ err: error, request_id: id }, 'a card could not be looked up; at the next change');
        if (cards.get(id) === card) cards.delete(id);
      },
    );
  }

  function schedule(card: LiveCard, afterMs = Math.max(0, card.notBefore - performance.now())): void {
    if (stopped || card.ref === undefined || card.timer !== undefined) return;
    if (card.editing !== undefined) {
      card.again = true;
      return;
    }
    card.timer = setTimeout(() => {
      card.timer = undefined;
      begin(card);
    }, afterMs);
  }

  function begin(card: LiveCard): void {
    const { ref } = card;
    if (ref === undefined) return;
    if (busyChannels.has(ref.channelId)) {
      schedule(card, busyChannelMs);
      return;
    }
    busyChannels.add(ref.channelId);
    card.again = false;
    card.editing = edit(card, ref).finally(() => {
      busyChannels.delete(ref.channelId);
      card.editing = undefined;
      if (card.again && cards.has(card.facts.request.id)) schedule(card);
    });
  }

  async function edit(card: LiveCard, ref: MessageRef): Promise<void> {
    const { request } = card.facts;
    try {
      // Estimates are made when somebody looks.
      if (request.state === 'working') await chat.readQueue();
      const drawn = renderJobCard(card.facts, chat.live(), chat.languageFor(card.facts));
      const preview = drawn.progress === undefined ? undefined : chat.preview(card.facts);
      const files = preview === undefined ? [] : [previewFile(preview, drawn.title)];
      const body = drawJobCard(drawn, markerOf(request.id, 'card'), { files });
      const shown = JSON.stringify(body.components);
      const isSame = shown === card.shown && preview?.base64 === card.preview;
      if (isSame || !cards.has(request.id)) return;
      await deps.edit(request.id, ref, body);
      card.shown = shown;
      card.preview = preview?.base64;
      card.notBefore = performance.now() + spacingOf(request.createdAt);
    } catch (error) {
      const failure = toDiscordFailure(error);
      log.debug({ err: failure, request_id: request.id }, 'a card could not be edited');
      if (failure.kind === 'message_gone' || failure.kind === 'place_closed') cards.delete(request.id);
      const waitMs = failure.kind === 'edited_too_often' ? spacingMs * oldSpacingFactor : spacingMs;
      card.notBefore = performance.now() + Math.max(waitMs, failure.afterMs);
    }
  }

  function spacingOf(createdAt: Date): number {
    return deps.now() - createdAt.getTime() > oldMs ? spacingMs * oldSpacingFactor : spacingMs;
  }

  function refresh(): void {
    for (const card of cards.values()) schedule(card);
    refreshTimer = setTimeout(refresh, refreshMs);
  }

  function forget(): void {
    for (const card of cards.values()) clearTimeout(card.timer);
    cards.clear();
  }

  return {
    open(facts, ref, shown) {
      const { id } = facts.request;
      if (stopped || ended.has(id)) return;
      const card = cards.get(id) ?? add(facts, ref);
      card.ref = ref;
      card.notBefore = performance.now() + spacingMs;
      card.shown = JSON.stringify(shown.components);
      schedule(card);
    },
    offer(facts) {
      const { id, finishedAt } = facts.request;
      // The end is a delivery, which closes the card.
      if (stopped || finishedAt !== null || ended.has(id)) return;
      const card = cards.get(id);
      if (card === undefined) {
        lookUp(add(facts, undefined));
        return;
      }
      card.facts = facts;
      schedule(card);
    },
    async close(requestId) {
      ended.add(requestId);
      const [oldest] = ended;
      if (ended.size > maxEnded && oldest !== undefined) ended.delete(oldest);
      const card = cards.get(requestId);
      cards.delete(requestId);
      clearTimeout(card?.timer);
      await card?.editing;
    },
    forget,
    start: refresh,
    async stop() {
      stopped = true;
      clearTimeout(refreshTimer);
      const editing = [...cards.values()].flatMap((card) => card.editing ?? []);
      forget();
      await Promise.all(editing);
    },
  };
}

function previewFile({ base64, mediaType }: LivePreview, title: string): AttachedFile {
  const alt = shorten(title, maxAltChars);
  return { name: 'preview.jpg', data: Buffer.from(base64, 'base64'), contentType: mediaType, alt };
}

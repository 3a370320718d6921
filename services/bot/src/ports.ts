import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { Door, Place, PlatformUser } from '@atelier/shared/contracts/identity';
import type { AssetRef } from '@atelier/shared/contracts/request';
import type { ClaimedDelivery } from '@atelier/shared/db/deliveries/delivery-store';
import type { PressedButton } from './core/cards/card-buttons.ts';
import type { CardFacts, LiveFacts } from './core/cards/card-facts.ts';
import type { QueueFacts } from './core/cards/queue-card.ts';
import type { ChosenOptions } from './core/commands/option-values.ts';

/** How a try to send ended. */
export type SendOutcome =
  /** It stands on the platform; `messageRef` finds it there again. */
  | { outcome: 'sent'; messageRef: Record<string, string | number | boolean | null | string[]> }
  /** The adapter has marked the delivery itself, in the transaction that sent it. */
  | { outcome: 'recorded' }
  /** Later. `certainlyNotSent`: the platform refused it or was never reached, so nobody has to look for it there. */
  | { outcome: 'postponed'; afterMs: number; reason: string; certainlyNotSent: boolean }
  /** Never: the place is gone, or closed to us. */
  | { outcome: 'failed'; reason: string };

/** A chat platform. The delivery worker calls `send`; everything else the adapter starts by itself from the {@link ChatCore}. */
export interface ChatAdapter {
  name: string;
  doors: readonly Door[];
  /**
   * Sends what is owed: `card` the placeholder, `result` the end (by editing the placeholder where there is one),
   * `ping` the message that notifies. `delivery.triedBefore` says that an earlier try may have been sent: look first.
   * What it throws counts as postponed and perhaps sent.
   *
   * @param readFacts reads what the message is drawn from, in its last state.
   */
  send(delivery: ClaimedDelivery, readFacts: () => Promise<CardFacts>): Promise<SendOutcome>;
  /**
   * Connects. Resolves once it listens, or once it is known that the platform is away: then it goes on trying by itself.
   * @throws AppError `config` where the platform refuses the token.
   */
  start(): Promise<void>;
  /** Also before or during `start`. */
  stop(): Promise<void>;
}

/** A line from a chat. */
export interface ChatLine {
  /** The platform's id of what asked: a repeat of it is the same request. */
  eventId: string;
  user: PlatformUser;
  place: Place;
  text: string;
  images?: readonly AssetRef[];
  options?: ChosenOptions;
}

/** What came of a line or a button. Texts are in the person's language. */
export type ChatOutcome =
  | { outcome: 'accepted'; requestId: string; /** False for a repeat of the same event. */ created: boolean }
  | { outcome: 'queue'; facts: QueueFacts; personId: string }
  | { outcome: 'said'; text: string }
  /** Somebody asks for the files themselves. */
  | { outcome: 'originals'; facts: CardFacts };

/**
 * The platform-neutral half of every chat. Methods throw AppError: `invalid_input` (its public message says what to
 * change), `unavailable` (not accepted, try again), `not_found`, `forbidden`.
 */
export interface ChatCore {
  /** Reads a line, and accepts what it asks for: accepted is committed. */
  submit(line: ChatLine): Promise<ChatOutcome>;
  /** Buttons work after any restart, for the author of the request alone; `originals` for everybody who sees the card. */
  press(button: PressedButton, by: { eventId: string; user: PlatformUser; place: Place }): Promise<ChatOutcome>;
  /** The facts of these requests, in the given order; unknown ones are left out. */
  readFacts(requestIds: readonly string[]): Promise<CardFacts[]>;
  readQueue(): Promise<QueueFacts>;
  /** What is running at this moment; for `renderJobCard`. */
  live(): LiveFacts;
  /** Takes in a picture that somebody attached: checked, re-encoded, stored. @throws AppError `invalid_input`, `too_large` */
  takeInImage(bytes: Uint8Array, name?: string): Promise<AssetRef>;
  files: Pick<AssetStore, 'get' | 'head'>;
  /**
   * Calls back with the facts of every request of this door that changed, and at progress (at most as often as workers
   * publish it: throttle before a platform sees it). Returns the way out.
   */
  watch(door: Door, listener: (facts: CardFacts, live: LiveFacts, cause: 'change' | 'progress') => void): () => void;
}

import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { Door, Language, Place, PlatformUser } from '@atelier/shared/contracts/identity';
import type { LivePreview } from '@atelier/shared/contracts/live';
import type { AssetRef, SourceRef } from '@atelier/shared/contracts/request';
import type { ClaimedPost } from '@atelier/shared/db/chat/chat-posts';
import type { ClaimedDelivery } from '@atelier/shared/db/deliveries/delivery-store';
import type { ServerPart } from '@atelier/shared/db/deliveries/server-part';
import type { Asker } from './core/access/asker.ts';
import type { PressedButton } from './core/cards/card-buttons.ts';
import type { CardFacts, LiveFacts } from './core/cards/card-facts.ts';
import type { QueueFacts } from './core/cards/queue-card.ts';
import type { CommandCall, CommandName, SuggestSource } from './core/commands/command-spec.ts';
import type { ChosenOptions } from './core/commands/option-values.ts';
import type { FormSpec, FormValues } from './core/forms/form-spec.ts';
import type { ListCard, Panel } from './core/panels/panel.ts';

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
  /** What it sends through; none while another process is connected in its place. */
  doors: readonly Door[];
  /** A chat's messages are handed to `send` one after the other. */
  sendsInOrder?: boolean;
  /** The servers that it sends to; the others are another process's. All without it. */
  part?: ServerPart | undefined;
  /**
   * Sends what is owed: `card` the placeholder, `result` the end (by editing the placeholder where there is one),
   * `ping` the message that notifies. `delivery.triedBefore` says that an earlier try may have been sent: look first.
   * What it throws counts as postponed and perhaps sent.
   *
   * @param readFacts reads what the message is drawn from, in its last state.
   */
  send(delivery: ClaimedDelivery, readFacts: () => Promise<CardFacts>): Promise<SendOutcome>;
  /**
   * Sends what belongs into a channel of the team: a shared result, or a notice for the operators. As `send`: an earlier
   * try may have been sent where `post.triedBefore` says so. Absent: this door has no channels.
   *
   * @param readFacts of the shared request.
   */
  post?(post: ClaimedPost, readFacts: () => Promise<CardFacts>): Promise<SendOutcome>;
  /**
   * Takes every message that shows this deleted result out of its chats, also where it has done so before. It goes on by
   * itself until `stop`. Absent: what is shown follows the request.
   */
  takeBack?(facts: CardFacts): void;
  /**
   * Connects. Resolves once it listens, or once it is known that the platform is away: then it goes on trying by itself.
   * @throws AppError `config` where the platform refuses the token: the others go on, and the page says so.
   */
  start(): Promise<void>;
  /** Also before or during `start`, and after it failed. */
  stop(): Promise<void>;
}

/** A file that somebody attached: a picture, or text such as a workflow or a list of shots. */
export type TakenFile =
  | { kind: 'image'; image: AssetRef; /** Workflow that ComfyUI wrote into it. */ workflowText?: string }
  | {
      kind: 'text';
      name: string;
      text: string;
    };

/** A command with its attachments. */
export interface ChatCommandCall extends CommandCall {
  /** By the name of the option; what was attached without an option, such as an album in Telegram, is `images`. */
  attachments?: Readonly<Record<string, TakenFile>>;
  images?: readonly AssetRef[];
  /** Results that it is about, such as the card that it replies to. */
  about?: readonly SourceRef[];
}

/** A line from a chat: a typed command, or words for the agent. */
export interface ChatLine extends Asker {
  text: string;
  images?: readonly AssetRef[];
  /** A text file or a workflow that came with it. */
  file?: TakenFile;
  options?: ChosenOptions;
  /** Results that the line answers, such as the card that it replies to. */
  about?: readonly SourceRef[];
  /** What it quotes: somebody else's words. */
  quoted?: string;
}

/** A file to hand out. */
export type OutcomeFile =
  | {
      kind: 'stored';
      hash: string;
      mediaType: string;
      bytes: number;
      filename: string;
      alt: string;
      thumbnailHash?: string;
      /** Covered until somebody uncovers it. */
      isCovered?: boolean;
      /** A lasting link to it as it is, where the page has an address that others reach. */
      url?: string;
    }
  | { kind: 'text'; filename: string; mediaType: string; text: string };

/** What came of a command, a line, a button or a form. Texts are in the person's language. */
export type ChatOutcome =
  /** Committed. Its card is a delivery of its own on the doors that have cards. */
  | {
      outcome: 'accepted';
      requestId: string;
      /** False for a repeat of the same event. */ created: boolean;
      isPrivate: boolean;
    }
  | { outcome: 'queue'; facts: QueueFacts; personId: string }
  | { outcome: 'said'; text: string }
  /** The card of a request that somebody wants to see. */
  | { outcome: 'card'; facts: CardFacts }
  /** Words with buttons: details, choices, settings, codes. */
  | { outcome: 'panel'; panel: Panel }
  | { outcome: 'list'; list: ListCard }
  /** To be filled in: `ChatCore.submitForm` takes it. */
  | { outcome: 'form'; form: FormSpec }
  /** Files for the person, with words. */
  | { outcome: 'files'; text?: string; files: readonly OutcomeFile[] }
  /** The question of a request was answered; its card goes on by itself. */
  | { outcome: 'answered'; requestId: string; text: string };

/** Who types, and where. */
export type Typist = Pick<Asker, 'user' | 'place' | 'standing'>;

export interface Suggestion {
  /** What is handed over; at most 100 characters. */
  value: string;
  label: string;
}

/** A queue board that stands in a channel. */
export interface QueueBoard {
  place: Place;
  language: Language;
  /** Where its message stands, as the adapter noted it; absent before it was sent. */
  messageRef?: Readonly<Record<string, unknown>>;
}

/** What a channel has set. */
export interface ChannelSettings {
  language?: Language;
  recipe?: string;
  style?: string;
  showsAdult?: boolean;
  hasBoard?: boolean;
  /** `team`: shared results go there; `admin`: operators are told there. */
  role?: 'team' | 'admin';
}

/** What a person has set for themselves. */
export interface PersonSettings {
  language?: Language;
  aspect?: string;
  count?: number;
  style?: string;
  model?: string;
  negative?: string;
  isPrivate?: boolean;
  /** Absent: they are notified. */
  wantsPing?: boolean;
}

/**
 * The platform-neutral half of every chat. Methods throw AppError: `invalid_input` (its public message says what to
 * change), `unavailable` (not accepted, try again), `rate_limited`, `not_found`, `forbidden`.
 */
export interface ChatCore {
  /** Reads a line, and does what it asks for: accepted is committed. */
  submit(line: ChatLine): Promise<ChatOutcome>;
  /** Does a command that a platform's own form filled in. */
  run(call: ChatCommandCall, by: Asker): Promise<ChatOutcome>;
  /** Buttons work after any restart; each looks for the right of who pressed it. */
  press(button: PressedButton, by: Asker): Promise<ChatOutcome>;
  /** Takes a form that an outcome handed out; `form` is its id, parsed. */
  submitForm(form: PressedButton, values: FormValues, by: Asker): Promise<ChatOutcome>;
  /**
   * Completion while somebody types: at most 25, from memory or within milliseconds, never throws; nothing for who may not
   * use the command.
   */
  suggest(source: SuggestSource, typed: string, by: Typist, command?: CommandName): Promise<Suggestion[]>;
  /** The facts of these requests, in the given order; unknown ones are left out. */
  readFacts(requestIds: readonly string[]): Promise<CardFacts[]>;
  readQueue(): Promise<QueueFacts>;
  /** What is running at this moment; for `renderJobCard`. */
  live(): LiveFacts;
  /** The latest preview of a request that runs. */
  preview(facts: CardFacts): LivePreview | undefined;
  /**
   * Takes in a picture that somebody attached: checked, re-encoded, stored.
   * @throws AppError `invalid_input`, `too_large`
   */
  takeInImage(bytes: Uint8Array, name?: string): Promise<AssetRef>;
  /** A picture, a workflow, or a text file of at most 4 MB. @throws AppError `invalid_input`, `too_large` */
  takeInFile(bytes: Uint8Array, name?: string): Promise<TakenFile>;
  /** As they are posted: by setting without the workflow that ComfyUI wrote into them. */
  files: Pick<AssetStore, 'get' | 'head'>;
  /** As they were stored: for who asks for the files themselves. */
  originals: Pick<AssetStore, 'get' | 'head'>;
  /** A lasting link to a stored file, where the page has an address that others reach. */
  fileUrl(file: { hash: string; filename: string }): string | undefined;
  /** What holds in this place; the nearest of `channelIds` counts. From memory. */
  channelSettings(place: Place, channelIds?: readonly string[]): ChannelSettings;
  /** What this person has set. */
  personSettings(personId: string): Promise<PersonSettings>;
  /** The language that somebody chose; where they chose none, or nobody can say now, the one that their platform names. */
  languageOf(user: PlatformUser): Promise<Language>;
  /** The language that this request's card is drawn in: the channel's, else, and of a private one, the author's own. */
  languageFor(facts: CardFacts): Language;
  /** Boards of a door; `onChange` is called when there are others, or when the queue moved. Returns the way out. */
  watchBoards(door: Door, onChange: (boards: readonly QueueBoard[], queue: QueueFacts) => void): () => void;
  /** Notes where a board's message stands. */
  keepBoard(place: Place, messageRef: Record<string, string | number | boolean | null>): Promise<void>;
  /** The chat has another id now: what was set for the old one holds for it. */
  moveChat(door: Door, fromId: string, toId: string): Promise<void>;
  /**
   * Calls back with the facts of every request of this door that changed, and at progress (at most as often as workers
   * publish it: throttle before a platform sees it). Returns the way out.
   */
  watch(
    door: Door,
    listener: (facts: CardFacts, live: LiveFacts, cause: 'change' | 'progress' | 'preview') => void,
  ): () => void;
}

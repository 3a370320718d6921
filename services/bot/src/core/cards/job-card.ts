import type { Door } from '@atelier/shared/contracts/identity';
import type { CardButton } from './card-buttons.ts';

/**
 * accepted -> planning -> queued -> starting -> running -> finishing -> succeeded | partly | failed | cancelled;
 * planning -> replied; planning -> asking -> accepted. `cancelling` from the wish to the end. A card reaches one of the
 * last five only with its result's delivery.
 */
export type CardState =
  | 'accepted'
  | 'planning'
  | 'asking'
  | 'queued'
  | 'starting'
  | 'running'
  | 'finishing'
  | 'cancelling'
  | 'succeeded'
  | 'partly'
  | 'replied'
  | 'failed'
  | 'cancelled';

/** A stored picture (or other file): bytes are in the asset store under `hash`. */
export interface CardImage {
  hash: string;
  /** Of a smaller WebP; absent where the original is shown. */
  thumbnailHash?: string;
  mediaType: string;
  bytes: number;
  width?: number;
  height?: number;
  filename: string;
  alt: string;
}

/** The place of one expected picture. */
export interface CardTile {
  jobId: string;
  state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
  /** Of its job, 0 to 1, while it runs. */
  fraction?: number;
  image?: CardImage;
}

export interface CardQueuePlace {
  /** 1 is next. */
  position: number;
  /** `3rd in line, starts in about 1–2 min` */
  text: string;
  /** Seconds until its first picture starts and its last one is done. Absent while no GPU takes work. */
  startsInSeconds?: { low: number; high: number };
  endsInSeconds?: { low: number; high: number };
}

export interface CardProgress {
  /** Of the whole request, 0 to 1. */
  fraction: number;
  /** `Drawing, step 12 of 20, done in about 5–10 s` */
  text: string;
}

/** What a request asks its author: its choices are the card's first row. */
export interface CardQuestion {
  id: string;
  kind: 'plan' | 'question';
  text: string;
  /** What would run, and how long: a line each. */
  plan: string[];
  /** An answer may be written, not only chosen. */
  allowsText: boolean;
}

/** What is done less often: a select menu, or a second step behind one button. */
export interface CardMenu {
  kind: 'picture' | 'more';
  placeholder: string;
  /** At most 25. */
  entries: CardButton[];
}

/** A request as every chat shows it, in the reader's language. Adapters draw it and decide nothing. */
export interface JobCard {
  requestId: string;
  /** Rises with every change that is stored: a card with a lower one is older. */
  revision: number;
  door: Door;
  state: CardState;
  /** Nothing follows. */
  final: boolean;
  /** The state in words. */
  headline: string;
  /** The prompt as it goes to the model; before there is one, the person's words. */
  title: string;
  /** In place of its pictures: their author took them away. */
  isDeleted: boolean;
  /** Shown to its author alone. */
  isPrivate: boolean;
  /** Pictures are covered until somebody uncovers them. */
  isCovered: boolean;
  /** What it was made from: `Variation of picture 2`. */
  lineage?: { text: string; requestId: string };
  author: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  finishedAt?: string;
  /** Pictures that were attached to the request. */
  inputs: { hash: string; mediaType: string; name: string }[];
  /** Short facts in a row: recipe, size, seed. */
  facts: string[];
  /** Sentences under it: the prompt as sent, remarks of the planner. */
  notes: string[];
  /** Shape of the expected pictures, in pixels. */
  size?: { width: number; height: number };
  tiles: CardTile[];
  queue?: CardQueuePlace;
  progress?: CardProgress;
  /** Why it waits, in a sentence. */
  reason?: string;
  question?: CardQuestion;
  /** Words that answer the request; while it is planned, those that were said so far. */
  reply?: string;
  /** One sentence that says what to do. */
  error?: string;
  /** At most 5 rows of at most 5 buttons, the most used first. */
  rows: CardButton[][];
  /** All of `rows`. */
  buttons: CardButton[];
  menus: CardMenu[];
}

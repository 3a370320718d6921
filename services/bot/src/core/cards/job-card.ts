import type { Door } from '@atelier/shared/contracts/identity';
import type { CardButton } from './card-buttons.ts';

/**
 * accepted -> planning -> queued -> starting -> running -> finishing -> succeeded | partly | failed | cancelled;
 * planning -> replied. `cancelling` from the wish to the end. A card reaches one of the last five only with its result's
 * delivery.
 */
export type CardState =
  | 'accepted'
  | 'planning'
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
  /** What was asked, in the person's words. */
  title: string;
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
  /** Words that answer the request. */
  reply?: string;
  /** One sentence that says what to do. */
  error?: string;
  buttons: CardButton[];
}

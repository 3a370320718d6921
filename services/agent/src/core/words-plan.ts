import type { PublicError } from '@atelier/shared/contracts/request';

/** A sentence in each language of the product. */
export type LocalText = PublicError['message'];

/** What a person wants a picture to be. What is absent is the recipe's choice. */
export interface PictureWish {
  /** What to do with an attached picture; absent: draw, or change the picture as the prompt says. */
  operation?: 'upscale' | 'background-removal';
  /** Empty only with an operation that needs no words. */
  prompt: string;
  negative?: string;
  /** Width to height, such as `3:4`. */
  aspect?: string;
  /** Pixels. */
  width?: number;
  /** Pixels. */
  height?: number;
  count?: number;
  /** Decimal digits; `-1` is random. */
  seed?: string;
  steps?: number;
  cfg?: number;
  sampler?: string;
  /** 0 keeps an attached picture, 1 ignores it. */
  strength?: number;
  /** A recipe's id, title or family, as the person wrote it. */
  recipe?: string;
  /** A model's file name, as the person wrote it. */
  model?: string;
  style?: string;
  /** Fewer or more steps than the recipe takes by itself. */
  quality?: 'draft' | 'high';
}

/** What a text that asks for no picture is about. */
export type ReplyTopic = 'greeting' | 'help' | 'thanks' | 'models' | 'cancel' | 'no_subject' | 'needs_picture';

/** What words turned out to mean. */
export type WordsPlan =
  | { kind: 'picture'; wish: PictureWish }
  /** No picture is asked for. */
  | { kind: 'topic'; topic: ReplyTopic }
  /** An answer in the person's own language. */
  | { kind: 'reply'; text: string }
  /** Asked for, and not possible: the sentence says what to change. */
  | { kind: 'refused'; message: LocalText };

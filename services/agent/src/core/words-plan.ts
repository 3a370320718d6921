import type { Json } from '@atelier/comfyui/json/json';
import type { AssetRef, Operation, PublicError } from '@atelier/shared/contracts/request';

/** A sentence in each language of the product. */
export type LocalText = PublicError['message'];

/** A LoRA by name or file, with its weight. */
export interface NamedLora {
  name: string;
  strength: number;
}

/** What a person wants a picture to be. What is absent is the recipe's choice. */
export interface PictureWish {
  /** What to do with attached pictures; absent: draw, or change them as the prompt says. */
  operation?: Operation;
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
  scheduler?: string;
  /** 0 keeps an attached picture, 1 ignores it. */
  strength?: number;
  /** A recipe's id, title or family, as the person wrote it. */
  recipe?: string;
  /** A model's file name, as the person wrote it. */
  model?: string;
  style?: string;
  /** LoRAs as the person wrote them. */
  loras?: readonly NamedLora[];
  /** Of a video, in seconds. */
  durationSeconds?: number;
  /** What may be redrawn of the first picture. */
  mask?: AssetRef;
  /** The part to redraw, in words. */
  region?: string;
  /** An enlargement that draws details anew. */
  redraw?: boolean;
  /** Of the first picture, in pixels, where it is known. */
  pictureSize?: { width: number; height: number };
  /** Values of parameters that only some recipes have, by their names there. */
  parameters?: Readonly<Record<string, Json>>;
  /** Fewer or more steps than the recipe takes by itself. */
  quality?: 'draft' | 'high';
}

/** What a text that asks for no picture is about. */
export type ReplyTopic = 'greeting' | 'help' | 'thanks' | 'models' | 'cancel' | 'no_subject' | 'needs_picture';

/** What words turned out to mean. */
export type WordsPlan =
  | { kind: 'picture'; wish: PictureWish }
  /** The attached pictures are to be put into words. */
  | { kind: 'describe' }
  /** No picture is asked for. */
  | { kind: 'topic'; topic: ReplyTopic }
  /** An answer in the person's own language. */
  | { kind: 'reply'; text: string }
  /** Asked for, and not possible: the sentence says what to change. */
  | { kind: 'refused'; message: LocalText };

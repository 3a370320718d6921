import type { Json } from '@atelier/comfyui/json/json';
import type { Picture } from '../picture/picture.ts';

/** A loaded model, as a patch chain sees it. */
export interface ModelValue {
  kind: 'model';
  /** The file, and the folder that it came from. */
  name: string;
  loras: readonly string[];
  /** Pictures that patch the model (IP-Adapter and its like): they show in what it draws. */
  references: readonly PictureReference[];
}

/** A picture that shows in the result, from 0 (not) to 1 (fully). */
export interface PictureReference {
  picture: Picture;
  strength: number;
}

export interface ConditioningValue {
  kind: 'conditioning';
  texts: readonly string[];
  references: readonly PictureReference[];
}

/** One latent item: what will be drawn, over what. */
export interface LatentItem {
  /** What has been painted or encoded so far; absent for an empty latent. */
  base?: Picture;
  /** What its label says: the prompt that painted it. */
  words?: string;
}

export interface LatentValue {
  kind: 'latent';
  /** Pixels of the picture that decodes from it. */
  width: number;
  height: number;
  items: readonly LatentItem[];
  /** Frames of one clip rather than pictures of a batch. */
  isVideo: boolean;
  /** Where sampling may paint: white is painted. */
  mask?: Picture;
}

export interface ImageValue {
  kind: 'image';
  pictures: readonly Picture[];
}

/** Masks are pictures whose red channel counts. */
export interface MaskValue {
  kind: 'mask';
  masks: readonly Picture[];
}

export interface VideoValue {
  kind: 'video';
  pictures: readonly Picture[];
  framesPerSecond: number;
}

export interface SamplerValue {
  kind: 'sampler';
  name: string;
}

export interface SigmasValue {
  kind: 'sigmas';
  steps: number;
  /** How far from the start: below 1 the base shows through. */
  denoise: number;
}

export interface NoiseValue {
  kind: 'noise';
  seed: bigint;
  adds: boolean;
}

export interface GuiderValue {
  kind: 'guider';
  model: ModelValue;
  positive: ConditioningValue;
  negative: ConditioningValue;
}

/** What the simulator only passes on: VAEs, text encoders, ControlNets, audio, hooks. */
export interface TokenValue {
  kind: 'token';
  type: string;
  label: string;
}

/** A value that stops the branch it flows into. With a message it also says so. */
export interface BlockedValue {
  kind: 'blocked';
  message: string | undefined;
}

/** A number, text or choice. */
export interface LiteralValue {
  kind: 'literal';
  value: Json;
}

/** What flows along links. */
export type SimValue =
  | ModelValue
  | ConditioningValue
  | LatentValue
  | ImageValue
  | MaskValue
  | VideoValue
  | SamplerValue
  | SigmasValue
  | NoiseValue
  | GuiderValue
  | TokenValue
  | BlockedValue
  | LiteralValue;

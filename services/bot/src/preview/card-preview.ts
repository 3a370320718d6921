import type { Language } from '@atelier/shared/contracts/identity';
import type { JobCard } from '../core/cards/job-card.ts';
import type { QueueCard } from '../core/cards/queue-card.ts';
import type { FormSpec } from '../core/forms/form-spec.ts';
import type { ListCard, Panel } from '../core/panels/panel.ts';

/** Everything that a chat shows, one sample of it, in one language. */
export type PreviewSample =
  | { kind: 'card'; card: JobCard }
  | { kind: 'queue'; card: QueueCard }
  | { kind: 'panel'; panel: Panel }
  | { kind: 'list'; list: ListCard }
  | { kind: 'form'; form: FormSpec };

/** Draws samples in the look of one platform, from the very messages that its adapter sends. */
export interface CardPreview {
  platform: string;
  /** HTML of the sample as people see it; undefined for what the platform has no form for. */
  draw(sample: PreviewSample, context: PreviewContext): Promise<string | undefined>;
  /** CSS of that look. */
  css: string;
}

export interface PreviewContext {
  language: Language;
  /** A picture of the samples as a data URL (WebP), by its hash. */
  pictureUrl(hash: string): string;
}

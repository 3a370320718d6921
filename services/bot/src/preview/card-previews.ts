import { createDiscordPreview } from '../adapters/discord/preview/create-discord-preview.ts';
import type { CardPreview } from './card-preview.ts';
import { telegramPreview } from './telegram-preview.ts';

/** Every platform whose look is shown. */
export function cardPreviews(): CardPreview[] {
  return [createDiscordPreview(), telegramPreview];
}

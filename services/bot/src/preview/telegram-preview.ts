import type { DrawnText } from '../adapters/telegram/api/telegram-calls.ts';
import { drawJobCard, MAX_CAPTION_CHARS, MAX_TEXT_CHARS } from '../adapters/telegram/cards/draw-job-card.ts';
import { drawList, drawPanel, drawQueueCard, drawText } from '../adapters/telegram/cards/draw-texts.ts';
import { telegramBubble, telegramStyle } from '../adapters/telegram/preview/telegram-bubble.ts';
import type { CardPreview } from './card-preview.ts';

/** The messages that go to Telegram, in the look of its app. */
export const telegramPreview: CardPreview = {
  platform: 'telegram',
  css: telegramStyle,
  async draw(sample, context) {
    switch (sample.kind) {
      case 'card': {
        const images = sample.card.tiles.flatMap((tile) => tile.image ?? []);
        const pictures = images.map(({ hash }) => context.pictureUrl(hash));
        // Several pictures are an album above a text of its own.
        const maxChars = images.length === 1 ? MAX_CAPTION_CHARS : MAX_TEXT_CHARS;
        return telegramBubble(drawJobCard(sample.card, maxChars), { pictures });
      }
      case 'queue':
        return telegramBubble(drawQueueCard(sample.card));
      case 'panel':
        return telegramBubble(drawPanel(sample.panel));
      case 'list':
        return telegramBubble(drawList(sample.list));
      default: {
        // There are no forms: words are asked for, and a reply answers.
        const asked: DrawnText = drawText(sample.form.hint);
        return telegramBubble(asked);
      }
    }
  },
};

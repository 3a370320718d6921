import { ComponentType, userMention } from 'discord.js';
import { shorten } from '@atelier/shared/text/shorten';
import type { QueueCard } from '../../../core/cards/queue-card.ts';
import type { AttachedFile, MessageBody } from '../messages/message-body.ts';
import type { MessageMarker } from '../messages/message-marker.ts';
import { escapeText } from './escape-text.ts';
import { MAX_MESSAGE_CHARS } from './text-budget.ts';

const listedEntries = 20;
const maxEntryTitleChars = 80;

/** Words alone. */
export function drawText(text: string, marker?: MessageMarker): MessageBody {
  return {
    components: [
      {
        type: ComponentType.TextDisplay,
        ...(marker === undefined ? {} : { id: marker.componentId }),
        content: shorten(text, MAX_MESSAGE_CHARS),
      },
    ],
    files: [],
  };
}

/** Calls a person to a card that says more. */
export function drawPing(userId: string | undefined, headline: string, marker: MessageMarker): MessageBody {
  return drawText(userId === undefined ? headline : `${userMention(userId)} ${headline}`, marker);
}

/** Files to keep, each under its name, and what is to be said about them. */
export function drawFiles(files: readonly AttachedFile[], remark: string, isCovered: boolean): MessageBody {
  return {
    components: [
      ...(remark === '' ? [] : drawText(remark).components),
      ...files.map((file) => ({
        type: ComponentType.File as const,
        file: { url: `attachment://${file.name}` },
        ...(isCovered ? { spoiler: true } : {}),
      })),
    ],
    files,
  };
}

/** @param marker of a board, which is found again by it. */
export function drawQueueCard(card: QueueCard, marker?: MessageMarker): MessageBody {
  const entries = card.entries.slice(0, listedEntries).map((entry) => {
    const place = entry.position === undefined ? '▸' : `${entry.position}.`;
    const title = entry.title === undefined ? '' : `\n   ${shorten(escapeText(entry.title), maxEntryTitleChars)}`;
    return `${place} **${escapeText(entry.author)}** · ${entry.text}${title.replaceAll(/\s*\n\s*/g, '\n   ')}`;
  });
  const more = card.more === undefined ? [] : [`-# ${card.more}`];
  const content = [`### ${card.title}`, card.summary, ...entries, ...more].join('\n');
  return {
    components: [
      {
        type: ComponentType.Container,
        ...(marker === undefined ? {} : { id: marker.componentId }),
        components: [{ type: ComponentType.TextDisplay, content: shorten(content, MAX_MESSAGE_CHARS) }],
      },
    ],
    files: [],
  };
}

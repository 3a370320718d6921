import {
  type APIButtonComponentWithCustomId,
  type APIComponentInContainer,
  ButtonStyle,
  ComponentType,
} from 'discord.js';
import type { ButtonAction } from '../../../core/cards/card-buttons.ts';
import type { CardState, JobCard } from '../../../core/cards/job-card.ts';
import type { AttachedFile, MessageBody } from '../messages/message-body.ts';
import type { MessageMarker } from '../messages/message-marker.ts';
import { escapeText } from './escape-text.ts';
import { shorten } from '../../../core/cards/shorten.ts';

/** All text of a message together. https://discord.com/developers/docs/components/reference#text-display */
export const MAX_MESSAGE_CHARS = 4_000;
const maxTitleChars = 900;
const maxNoteChars = 500;
const barCells = 12;

const blue = 0x4f7cff;
const colours: Partial<Record<CardState, number>> = {
  succeeded: 0x3fa66a,
  replied: 0x3fa66a,
  partly: 0xd9a13b,
  failed: 0xd0504a,
  cancelling: 0x8a8f98,
  cancelled: 0x8a8f98,
};
const styles: Record<ButtonAction, APIButtonComponentWithCustomId['style']> = {
  cancel: ButtonStyle.Danger,
  retry: ButtonStyle.Secondary,
  original: ButtonStyle.Secondary,
};

/** A request's card as a message: one container, with the pictures that go with it as a gallery. */
export function drawJobCard(card: JobCard, marker: MessageMarker, files: readonly AttachedFile[] = []): MessageBody {
  const budget = { left: MAX_MESSAGE_CHARS };
  const text = (content: string): APIComponentInContainer[] => {
    const fitting = shorten(content, budget.left);
    if (fitting.trim() === '') return [];
    budget.left -= fitting.length;
    return [{ type: ComponentType.TextDisplay, content: fitting }];
  };
  const title = quote(shorten(escapeText(card.title), maxTitleChars));
  const byline = [card.author, ...card.facts].map((fact) => escapeText(fact)).join(' · ');
  const components: APIComponentInContainer[] = [
    ...text(`### ${card.headline}\n${title}\n-# ${shorten(byline, maxNoteChars)}`),
    ...text(statusOf(card)),
    ...(files.length === 0 ? [] : [gallery(files)]),
    ...text(card.notes.map((note) => `-# ${oneLine(shorten(escapeText(note), maxNoteChars))}`).join('\n')),
    ...buttonRow(card),
  ];
  return {
    components: [
      { type: ComponentType.Container, id: marker.componentId, accent_color: colours[card.state] ?? blue, components },
    ],
    files,
  };
}

function statusOf(card: JobCard): string {
  if (card.progress !== undefined) {
    const { fraction, text } = card.progress;
    const filled = Math.min(barCells, Math.floor(fraction * barCells));
    return `\`${'█'.repeat(filled)}${'░'.repeat(barCells - filled)}\` ${Math.floor(fraction * 100)} %\n${text}`;
  }
  if (card.queue !== undefined) return card.queue.text;
  return [card.reply, card.error].filter((part) => part !== undefined).join('\n\n');
}

function gallery(files: readonly AttachedFile[]): APIComponentInContainer {
  return {
    type: ComponentType.MediaGallery,
    items: files.map((file) => ({
      media: { url: `attachment://${file.name}` },
      ...(file.alt === undefined ? {} : { description: file.alt }),
    })),
  };
}

function buttonRow(card: JobCard): APIComponentInContainer[] {
  if (card.buttons.length === 0) return [];
  return [
    {
      type: ComponentType.ActionRow,
      components: card.buttons.map((button) => ({
        type: ComponentType.Button,
        style: styles[button.action],
        label: button.label,
        custom_id: button.id,
      })),
    },
  ];
}

/** As a quotation, whose every line needs its mark. */
function quote(text: string): string {
  return text
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n');
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}

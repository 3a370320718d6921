import {
  type APIActionRowComponent,
  type APIButtonComponentWithCustomId,
  type APIComponentInMessageActionRow,
  ButtonStyle,
  ComponentType,
} from 'discord.js';
import { shorten } from '@atelier/shared/text/shorten';
import type { ButtonStyle as CoreStyle, CardButton } from '../../../core/cards/card-buttons.ts';
import type { CardMenu } from '../../../core/cards/job-card.ts';
import type { PanelLink } from '../../../core/panels/panel.ts';
import { formatMenuId } from '../interactions/custom-ids.ts';

type Row = APIActionRowComponent<APIComponentInMessageActionRow>;

const styles: Record<CoreStyle, APIButtonComponentWithCustomId['style']> = {
  primary: ButtonStyle.Primary,
  secondary: ButtonStyle.Secondary,
  success: ButtonStyle.Success,
  danger: ButtonStyle.Danger,
};
/** https://discord.com/developers/docs/components/reference */
const maxLabelChars = 80;
const maxOptionChars = 100;
const maxPlaceholderChars = 150;
const rowButtons = 5;
const maxOptions = 25;

/** Rows of buttons; one that is too long goes on in the next. */
export function drawRows(rows: readonly (readonly CardButton[])[]): Row[] {
  return rows
    .flatMap((row) => chunks(row, rowButtons))
    .map((buttons) => ({
      type: ComponentType.ActionRow,
      components: buttons.map((button) => ({
        type: ComponentType.Button,
        style: styles[button.style],
        label: shorten(button.label, maxLabelChars),
        custom_id: button.id,
      })),
    }));
}

export interface Menu extends Omit<CardMenu, 'kind'> {
  kind: CardMenu['kind'] | 'entry';
}

/**
 * A menu of what is done less often; each entry does what a button with its id would do.
 *
 * @param subject tells apart the menus of a kind within a message.
 */
export function drawMenu(menu: Menu, subject: string): Row[] {
  // The same button may stand for two entries; a menu offers it once.
  const entries = [...new Map(menu.entries.map((entry) => [entry.id, entry])).values()].slice(0, maxOptions);
  if (entries.length === 0) return [];
  return [
    {
      type: ComponentType.ActionRow,
      components: [
        {
          type: ComponentType.StringSelect,
          custom_id: formatMenuId(menu.kind, subject),
          placeholder: shorten(menu.placeholder, maxPlaceholderChars),
          options: entries.map(({ id, label, title }) => ({
            value: id,
            label: oneLine(label),
            ...(title === undefined || title === '' || title === label ? {} : { description: oneLine(title) }),
          })),
        },
      ],
    },
  ];
}

/** Buttons that lead out of Discord. */
export function drawLinks(links: readonly PanelLink[]): Row[] {
  return chunks(links, rowButtons).map((row) => ({
    type: ComponentType.ActionRow,
    components: row.map(({ label, url }) => ({
      type: ComponentType.Button,
      style: ButtonStyle.Link,
      label: shorten(label, maxLabelChars),
      url,
    })),
  }));
}

/** As an option of a menu shows it. */
function oneLine(text: string): string {
  return shorten(text.replaceAll(/\s+/g, ' ').trim() || '…', maxOptionChars);
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}

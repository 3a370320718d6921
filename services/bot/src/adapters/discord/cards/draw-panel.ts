import { type APIComponentInContainer, ComponentType } from 'discord.js';
import { shorten } from '@atelier/shared/text/shorten';
import type { ListCard, Panel } from '../../../core/panels/panel.ts';
import type { AttachedFile, MessageBody } from '../messages/message-body.ts';
import { drawLinks, drawMenu, drawRows, type Menu } from './draw-buttons.ts';
import { drawGallery } from './draw-gallery.ts';
import { escapeText } from './escape-text.ts';
import { createTextBudget, smallPrint } from './text-budget.ts';

/** A code block must not end before its end, nor run out of the message. */
const maxCodeChars = 3_000;
const maxEntryChars = 300;

/** Words with buttons. @param files the panel's picture, where there is one. */
export function drawPanel(panel: Panel, files: readonly AttachedFile[] = []): MessageBody {
  const text = createTextBudget();
  const title = panel.title === undefined ? '' : `### ${escapeText(panel.title)}\n`;
  const code = panel.code === undefined ? [] : [drawCode(panel.code)];
  const components: APIComponentInContainer[] = [
    ...text([`${title}${escapeText(panel.text)}`, ...code].join('\n')),
    ...drawGallery(files, panel.isCovered === true),
    ...drawRows(panel.rows),
    ...drawLinks(panel.links),
  ];
  return { components: [{ type: ComponentType.Container, components }], files };
}

/** One page of a list. @param pictures those of its entries that could be attached, by entry. */
export function drawList(list: ListCard, pictures: ReadonlyMap<number, AttachedFile> = new Map()): MessageBody {
  const text = createTextBudget();
  const head = text(`### ${escapeText(list.title)}\n-# ${escapeText(list.summary)}`);
  const entries = list.entries.flatMap((entry, index): APIComponentInContainer[] => {
    const title = `**${escapeText(shorten(entry.title, maxEntryChars))}**`;
    const about = entry.text.split('\n').filter((line) => line !== '');
    const content = text(
      [title, smallPrint(about.map((line) => escapeText(shorten(line, maxEntryChars))))].join('\n').trimEnd(),
    );
    const picture = pictures.get(index);
    if (content.length === 0 || picture === undefined) return content;
    const media = { url: `attachment://${picture.name}` };
    const description = picture.alt === undefined ? {} : { description: picture.alt };
    const spoiler = entry.isCovered === true ? { spoiler: true } : {};
    const accessory = { type: ComponentType.Thumbnail as const, media, ...description, ...spoiler };
    return [{ type: ComponentType.Section, components: content, accessory }];
  });
  // One menu for all: forty components are soon used up.
  const choices = list.entries.flatMap(({ title, text: words, button }) =>
    button === undefined ? [] : [{ ...button, label: title, title: words }],
  );
  const button = list.entries.find((entry) => entry.button !== undefined)?.button;
  const menu: Menu = { kind: 'entry', placeholder: button?.title ?? button?.label ?? list.title, entries: choices };
  return {
    components: [
      {
        type: ComponentType.Container,
        components: [...head, ...entries, ...drawMenu(menu, list.list), ...drawRows([list.buttons])],
      },
    ],
    files: [...pictures.values()],
  };
}

function drawCode(code: string): string {
  return `\`\`\`\n${shorten(code, maxCodeChars).replaceAll('```', "'''")}\n\`\`\``;
}

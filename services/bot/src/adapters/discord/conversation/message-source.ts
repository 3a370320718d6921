import { type APIMessage, ComponentType, type Message } from 'discord.js';
import { parseButtonId } from '../../../core/cards/card-buttons.ts';

/** What another message holds that something can be made from. */
export interface MessageSource {
  /** The request whose card or result it is, if it is one of ours. */
  requestId: string | undefined;
  /** Pictures and files, with where they are fetched. */
  attachments: { url: string; filename: string; contentType: string }[];
  text: string;
  author: string;
}

/** A message, as an interaction, an event or Discord's REST interface gives it. */
export interface ShownMessage {
  authorId: string;
  authorName: string;
  applicationId: string | null;
  content: string;
  attachments: MessageSource['attachments'];
  /** As they are on the wire. */
  components: readonly unknown[];
}

export function shownMessage(message: Message): ShownMessage {
  return {
    authorId: message.author.id,
    authorName: message.author.displayName,
    applicationId: message.applicationId,
    content: message.content,
    attachments: [...message.attachments.values()].map(({ url, name, contentType }) => ({
      url,
      filename: name,
      contentType: contentType ?? '',
    })),
    components: message.components.map((component) => component.toJSON()),
  };
}

export function shownApiMessage(message: APIMessage): ShownMessage {
  return {
    authorId: message.author.id,
    authorName: message.author.global_name ?? message.author.username,
    applicationId: message.application_id ?? null,
    content: message.content,
    attachments: message.attachments.map(({ url, filename, content_type: contentType }) => ({
      url,
      filename,
      contentType: contentType ?? '',
    })),
    components: message.components ?? [],
  };
}

/** Reads what a message holds. Its request is found in the ids of its buttons, so it is found after any restart. */
export function readMessageSource(message: ShownMessage, applicationId: string | undefined): MessageSource {
  const { attachments, content, components, authorName } = message;
  const isOurs = applicationId !== undefined && (message.applicationId ?? message.authorId) === applicationId;
  return {
    requestId: isOurs ? findRequestId(components) : undefined,
    attachments,
    text: [content, ...textsOf(components)].filter((text) => text !== '').join('\n'),
    author: authorName,
  };
}

/** Actions whose id is that of a request. */
const ofOthers: ReadonlySet<string> = new Set(['answer', 'answer_text', 'page', 'run_workflow']);

function findRequestId(components: readonly unknown[]): string | undefined {
  for (const component of walk(components)) {
    const ids = [component['custom_id'], ...valuesOf(component['options'])];
    for (const id of ids) {
      const button = typeof id === 'string' ? parseButtonId(id) : undefined;
      if (button !== undefined && !ofOthers.has(button.action)) return button.requestId;
    }
  }
  return undefined;
}

function textsOf(components: readonly unknown[]): string[] {
  return [...walk(components)].flatMap((component) => {
    const { content } = component;
    return component['type'] === ComponentType.TextDisplay && typeof content === 'string' ? [content] : [];
  });
}

function* walk(components: readonly unknown[]): Generator<Record<string, unknown>> {
  for (const component of components) {
    if (typeof component !== 'object' || component === null) continue;
    const one = component as Record<string, unknown>;
    yield one;
    if (Array.isArray(one['components'])) yield* walk(one['components']);
    if ('accessory' in one) yield* walk([one['accessory']]);
  }
}

function valuesOf(options: unknown): unknown[] {
  return Array.isArray(options) ? options.map((option) => (option as { value?: unknown } | null)?.value) : [];
}

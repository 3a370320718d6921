import type { MessageContextMenuCommandInteraction } from 'discord.js';
import type { AssetRef } from '@atelier/shared/contracts/request';
import type { Language } from '@atelier/shared/contracts/identity';
import { type AppError, invalidInput } from '@atelier/shared/errors/app-error';
import type { Asker } from '../../../core/access/asker.ts';
import { messagesFor } from '../../../core/messages/messages-for.ts';
import type { FormValues } from '../../../core/forms/form-spec.ts';
import type { ChatCore, ChatOutcome, TakenFile } from '../../../ports.ts';
import { drawForm } from '../cards/draw-form.ts';
import type { MenuAction } from '../commands/menu-commands.ts';
import type { AttachmentFetcher } from '../conversation/fetch-attachment.ts';
import {
  type MessageSource,
  readMessageSource,
  shownApiMessage,
  shownMessage,
} from '../conversation/message-source.ts';
import type { DiscordMessages } from '../messages/discord-messages.ts';
import { formatMessageForm, type MessageForm } from './custom-ids.ts';
import type { Answer } from './interaction-answers.ts';

export interface MessageMenusDeps {
  chat: ChatCore;
  messages: Pick<DiscordMessages, 'read'>;
  fetchAttachment: AttachmentFetcher;
  applicationId: () => string | undefined;
  /** In milliseconds. */
  now: () => number;
}

/** What the menu of a message offers: something made of the pictures that it holds, ours or anybody's. */
export interface MessageMenus {
  open(
    action: MenuAction,
    interaction: MessageContextMenuCommandInteraction,
    asker: Asker,
  ): Promise<ChatOutcome | Answer>;
  /** Takes the form that `open` gave. */
  submit(form: MessageForm, values: FormValues, asker: Asker): Promise<ChatOutcome>;
}

const maxImages = 5;
const maxRemembered = 500;
/** A form may stay open for a while; after that its message is read again. */
const rememberMs = 30 * 60_000;
const wordsField = 'text';

export function createMessageMenus(deps: MessageMenusDeps): MessageMenus {
  const { chat } = deps;
  /** What was attached to messages whose form is open: reading a message again may need a permission that we lack. */
  const remembered = new Map<string, { images: Promise<AssetRef[]>; until: number }>();

  function remember(openedBy: string, images: Promise<AssetRef[]>): void {
    for (const [id, { until }] of remembered) {
      if (until > deps.now() && remembered.size < maxRemembered) break;
      remembered.delete(id);
    }
    remembered.set(openedBy, { images, until: deps.now() + rememberMs });
    images.catch(() => undefined);
  }

  async function takeInImages(source: MessageSource): Promise<AssetRef[]> {
    const images = source.attachments.filter(({ contentType }) => contentType.startsWith('image/')).slice(0, maxImages);
    if (images.length === 0) throw noPicture();
    return Promise.all(
      images.map(async ({ url, filename }) => chat.takeInImage(await deps.fetchAttachment(url), filename)),
    );
  }

  async function takeInFirstFile(source: MessageSource): Promise<TakenFile> {
    const [file] = source.attachments;
    if (file === undefined) throw noPicture();
    return chat.takeInFile(await deps.fetchAttachment(file.url), file.filename);
  }

  function openForm(
    action: MessageForm['action'],
    interaction: MessageContextMenuCommandInteraction,
    source: MessageSource,
    { user }: Asker,
  ): Answer {
    if (source.requestId === undefined) {
      const hasPicture = source.attachments.some(({ contentType }) => contentType.startsWith('image/'));
      if (!hasPicture) throw noPicture();
      remember(interaction.id, takeInImages(source));
    }
    const { channelId, id: messageId } = interaction.targetMessage;
    return {
      kind: 'modal',
      modal: formOf({ action, openedBy: interaction.id, channelId, messageId }, user.language),
    };
  }

  /** The pictures again, whether or not this process still knows them. */
  async function imagesOfForm(form: MessageForm): Promise<{ images: AssetRef[]; requestId: string | undefined }> {
    const known = remembered.get(form.openedBy);
    if (known !== undefined) return { images: await known.images, requestId: undefined };
    const read = await deps.messages.read(form.channelId, form.messageId);
    const source = readMessageSource(shownApiMessage(read), deps.applicationId());
    if (source.requestId !== undefined) return { images: [], requestId: source.requestId };
    return { images: await takeInImages(source), requestId: undefined };
  }

  return {
    async open(action, interaction, asker) {
      const source = readMessageSource(shownMessage(interaction.targetMessage), deps.applicationId());
      const { requestId } = source;
      switch (action) {
        case 'edit':
          // Our own form knows the picture and its prompt.
          if (requestId !== undefined) return chat.press({ action: 'edit', requestId, picture: 0 }, asker);
          return openForm('edit', interaction, source, asker);
        case 'reference':
          return openForm('reference', interaction, source, asker);
        case 'upscale':
          if (requestId !== undefined) {
            return chat.press({ action: 'upscale_subtle', requestId, picture: 0 }, asker);
          }
          return chat.run({ command: 'upscale', values: {}, images: await takeInImages(source) }, asker);
        case 'describe':
          if (requestId !== undefined) {
            return chat.run({ command: 'describe', values: {}, about: [{ requestId }] }, asker);
          }
          return chat.run({ command: 'describe', values: {}, images: await takeInImages(source) }, asker);
        case 'workflow': {
          if (requestId !== undefined) return chat.press({ action: 'open', requestId }, asker);
          const file = await takeInFirstFile(source);
          const text = file.kind === 'text' ? file.text : file.workflowText;
          if (text === undefined) throw noWorkflow();
          const opened: ChatOutcome = {
            outcome: 'files',
            text: messagesFor(asker.user.language).chat.opened,
            files: [{ kind: 'text', filename: 'workflow.json', mediaType: 'application/json', text }],
          };
          return opened;
        }
        default:
          return action satisfies never;
      }
    },
    async submit(form, values, asker) {
      const text = (values[wordsField] ?? '').trim();
      const { images, requestId } = await imagesOfForm(form);
      if (form.action === 'edit') {
        const about = requestId === undefined ? {} : { about: [{ requestId, picture: 0 }] };
        return chat.run({ command: 'edit', values: { prompt: text }, images, ...about }, asker);
      }
      const options = { operation: 'reference' as const };
      const about = requestId === undefined ? {} : { about: [{ requestId }] };
      return chat.submit({ ...asker, text, images, options, ...about });
    },
  };
}

function formOf(form: MessageForm, language: Language) {
  const { forms, actions } = messagesFor(language).chat;
  return drawForm({
    id: formatMessageForm(form),
    title: form.action === 'edit' ? actions.edit.label : forms.prompt,
    hint: '',
    textField: wordsField,
    submitLabel: forms.submit,
    fields: [
      {
        name: wordsField,
        label: form.action === 'edit' ? forms.change : forms.prompt,
        kind: 'paragraph',
        required: true,
        maxLength: 4_000,
      },
    ],
  });
}

function noPicture(): AppError {
  return invalidInput(
    'This message has no picture: choose one with a picture attached.',
    '这条消息没有图片：请选择带图片的消息。',
  );
}

function noWorkflow(): AppError {
  return invalidInput(
    'No workflow is kept in this file: choose a picture as ComfyUI saved it, or a workflow file.',
    '此文件中没有工作流：请选择 ComfyUI 保存的原图或工作流文件。',
  );
}

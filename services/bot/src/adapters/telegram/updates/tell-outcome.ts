import type { Language } from '@atelier/shared/contracts/identity';
import { shorten } from '@atelier/shared/text/shorten';
import { noLiveFacts } from '../../../core/cards/card-facts.ts';
import { renderQueueCard } from '../../../core/cards/queue-card.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import type { FormSpec } from '../../../core/forms/form-spec.ts';
import type { Panel } from '../../../core/panels/panel.ts';
import type { ChatCore, ChatOutcome, OutcomeFile } from '../../../ports.ts';
import type { BotAccount, MessageTarget, Upload } from '../api/telegram-calls.ts';
import type { UploadLimits } from '../api/upload-limits.ts';
import { drawJobCard, MAX_CAPTION_CHARS, MAX_TEXT_CHARS } from '../cards/draw-job-card.ts';
import { drawList, drawPanel, drawQueueCard, drawText } from '../cards/draw-texts.ts';
import { escapeHtml } from '../cards/escape-html.ts';
import { prepareFiles } from '../cards/prepare-files.ts';
import type { Speaker } from '../deliveries/speak.ts';
import { telegramWords } from '../telegram-words.ts';
import { formLink } from './read-update.ts';

/** A question of ours and what was set before fit into one message together. */
const maxHintChars = 1_500;
const maxPresentChars = 2_000;

export interface Listener {
  target: MessageTarget;
  language: Language;
  /** Telegram's id of who asked. */
  userId: string;
  name: string;
  /** Nobody else reads there. */
  isDirect: boolean;
}

export interface OutcomeTellerDeps {
  chat: Pick<ChatCore, 'files' | 'originals' | 'live'>;
  speaker: Speaker;
  limits: UploadLimits;
  bot: () => BotAccount;
}

/** Says in a chat what came of a line, a button or a form. */
export function createOutcomeTeller(deps: OutcomeTellerDeps) {
  const { speaker, chat } = deps;

  return async function tell(outcome: ChatOutcome, to: Listener): Promise<void> {
    const { target, language } = to;
    switch (outcome.outcome) {
      case 'accepted':
        // Its card is a delivery; a private one goes elsewhere.
        if (outcome.isPrivate && !to.isDirect)
          await speaker.say(target, drawText(telegramWords(language).privateAnswer));
        return;
      case 'said':
      case 'answered':
        await speaker.say(target, drawText(outcome.text));
        return;
      case 'queue': {
        // In a private chat the reader's own words are theirs to see; in a group they are everybody's.
        const reader = to.isDirect ? outcome.personId : undefined;
        await speaker.say(target, drawQueueCard(renderQueueCard(outcome.facts, language, reader)));
        return;
      }
      case 'card':
        await showCard(outcome.facts, to);
        return;
      case 'panel':
        await showPanel(outcome.panel, to);
        return;
      case 'list':
        await speaker.say(target, drawList(outcome.list));
        return;
      case 'form':
        await askForWords(outcome.form, to);
        return;
      case 'files':
        await handOut(outcome.files, outcome.text, to);
    }
  };

  async function showCard(facts: Parameters<typeof renderJobCard>[0], { target, language }: Listener): Promise<void> {
    const card = renderJobCard(
      { ...facts, delivered: true },
      facts.request.finishedAt === null ? chat.live() : noLiveFacts,
      language,
    );
    const images = card.tiles.flatMap((tile) => (tile.image === undefined ? [] : [tile.image]));
    const { groups } = await prepareFiles(images, {
      files: chat.files,
      limits: deps.limits,
      as: 'media',
      isCovered: card.isCovered,
    });
    const [only, second] = groups;
    if (only?.length === 1 && second === undefined) {
      const sent = await speaker.hand(target, only, drawJobCard(card, MAX_CAPTION_CHARS));
      if (sent !== undefined) return;
    }
    for (const group of groups) await speaker.hand(target, group);
    await speaker.say(target, drawJobCard(card, MAX_TEXT_CHARS));
  }

  async function showPanel(panel: Panel, { target }: Listener): Promise<void> {
    if (panel.image !== undefined) {
      const { groups } = await prepareFiles([panel.image], {
        files: chat.files,
        limits: deps.limits,
        as: 'media',
        isCovered: panel.isCovered === true,
      });
      const sent =
        groups[0] === undefined
          ? undefined
          : await speaker.hand(target, groups[0], drawPanel(panel, MAX_CAPTION_CHARS));
      if (sent !== undefined) return;
    }
    await speaker.say(target, drawPanel(panel));
  }

  /** The person's app opens a reply; what was set before is there to be copied. */
  async function askForWords(form: FormSpec, { target, language, userId, name, isDirect }: Listener): Promise<void> {
    const field = form.fields.find((candidate) => candidate.name === form.textField);
    const link = `<a href="${escapeHtml(formLink(deps.bot(), form.id, form.textField))}">✎</a>`;
    // Only who is named, or who is answered, gets the reply opened.
    const who = isDirect ? '' : ` <a href="tg://user?id=${userId}">${escapeHtml(name)}</a>:`;
    const lines = [`${link}${who} <b>${escapeHtml(form.title)}</b>`, escapeHtml(shorten(form.hint, maxHintChars))];
    if (field?.value !== undefined && field.value !== '') {
      lines.push(
        `${escapeHtml(telegramWords(language).present)}: <code>${escapeHtml(shorten(field.value, maxPresentChars))}</code>`,
      );
    }
    await speaker.ask(target, lines.join('\n'), field?.placeholder ?? form.hint);
  }

  async function handOut(files: readonly OutcomeFile[], text: string | undefined, to: Listener): Promise<void> {
    const stored = files.flatMap((file) => (file.kind === 'stored' ? [file] : []));
    const texts = files.flatMap((file): Upload[] =>
      file.kind === 'text' ? [{ kind: 'document', bytes: Buffer.from(file.text), name: file.filename }] : [],
    );
    const prepared = await prepareFiles(stored, { files: chat.originals, limits: deps.limits, as: 'document' });
    for (const group of [...prepared.groups, ...(texts.length === 0 ? [] : [texts])])
      await speaker.hand(to.target, group);
    const links = prepared.left.flatMap((file) => stored.find(({ hash }) => hash === file.hash)?.url ?? []);
    const words = [
      ...(text === undefined ? [] : [text]),
      ...(prepared.left.length === 0 ? [] : [telegramWords(to.language).tooLargeFiles(prepared.left.length), ...links]),
    ];
    if (words.length > 0) await speaker.say(to.target, drawText(words.join('\n')));
  }
}

import { addReport } from '@atelier/shared/db/chat/request-marks';
import { ensurePerson } from '@atelier/shared/db/chat/link-codes';
import type { ImagineOptions } from '@atelier/shared/contracts/request';
import { AppError } from '@atelier/shared/errors/app-error';
import type { PressedButton } from '../core/cards/card-buttons.ts';
import { commandSpec } from '../core/commands/command-table.ts';
import { parseOptions } from '../core/commands/parse-options.ts';
import { mergeOptions, readDrawingOptions } from '../core/commands/read-drawing-options.ts';
import { checkText, validatePrompt } from '../core/commands/validate-prompt.ts';
import type { FormValues } from '../core/forms/form-spec.ts';
import type { ChatOutcome } from '../ports.ts';
import { answerPendingQuestion } from './answer-question.ts';
import { type ChatContext, type KnownAsker, said } from './chat-context.ts';
import { derive, questionRequest } from './press-button.ts';

/** Takes what somebody wrote into a form, or answered by a reply where a platform has none. */
export async function submitForm(
  context: ChatContext,
  form: PressedButton,
  values: FormValues,
  by: KnownAsker,
): Promise<ChatOutcome> {
  const text = (values['text'] ?? '').trim();
  if (form.action === 'answer_text') {
    const requestId = await questionRequest(context, form.requestId);
    context.checkWords(by, text);
    return answerPendingQuestion(context, by, {
      requestId,
      questionId: form.requestId,
      text: validatePrompt(text),
      ...(form.arg === undefined ? {} : { choice: form.arg }),
    });
  }
  const facts = await context.visible(form.requestId, by);
  const picture = form.picture ?? 0;
  switch (form.action) {
    case 'remix':
      return derive(context, by, facts, 'remix', undefined, { options: remixOptions(values) });
    case 'edit':
      return derive(context, by, facts, 'edit', picture, { text: validatePrompt(text) });
    case 'vary_region': {
      // Without forms one line says both: what it becomes also says where.
      const region = (values['region'] ?? '').trim().slice(0, 500);
      checkText(region);
      return derive(context, by, facts, 'vary_region', picture, {
        text: validatePrompt(text),
        region: region === '' ? validatePrompt(text).slice(0, 500) : region,
        showRegion: true,
      });
    }
    case 'animate':
      checkText(text);
      return derive(context, by, facts, 'animate', picture, text === '' ? {} : { text });
    case 'report': {
      context.checkRate(by);
      const personId = await ensurePerson(context.deps.db, by.user);
      const reason = validatePrompt(text).slice(0, 1_000);
      await addReport(context.deps.db, {
        requestId: form.requestId,
        personId,
        reason,
        ...(form.picture === undefined ? {} : { picture: form.picture }),
      });
      context.deps.ringOperators();
      return said(by.m.chat.reported);
    }
    default:
      throw new AppError('not_found', 'no form of ours');
  }
}

/** The words with options behind them, and the fields beside them; those of the line of settings count less. */
function remixOptions(values: FormValues): Partial<ImagineOptions> {
  const { options, example } = commandSpec('imagine');
  const known = options.filter((option) => option.name !== 'prompt');
  const settings = parseOptions(values['options'] ?? '', known, example);
  const prompt = parseOptions(values['prompt'] ?? '', known, example);
  const negative = (values['negative'] ?? '').trim();
  checkText(negative);
  const chosen = mergeOptions(readDrawingOptions(settings.values), readDrawingOptions(prompt.values));
  return {
    ...chosen,
    prompt: validatePrompt(prompt.text),
    ...(values['negative'] === undefined || chosen.negative !== undefined ? {} : { negative }),
  };
}

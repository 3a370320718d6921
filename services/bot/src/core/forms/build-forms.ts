import type { Language } from '@atelier/shared/contracts/identity';
import { MAX_PROMPT_CHARS, type ImagineOptions } from '@atelier/shared/contracts/request';
import { type ButtonAction, formatButtonId } from '../cards/card-buttons.ts';
import { type CardFacts, titleOf } from '../cards/card-facts.ts';
import { formatOptions, optionsOfPlan } from '../commands/format-command.ts';
import { messagesFor } from '../messages/messages-for.ts';
import type { FormField, FormSpec } from './form-spec.ts';

const maxTitleChars = 45;
/** As Discord's modals take. */
const maxFieldChars = 4_000;

/** Actions that ask for words first. */
const formActions = [
  'remix',
  'edit',
  'vary_region',
  'animate',
  'report',
  'answer_text',
] as const satisfies readonly ButtonAction[];
export type FormAction = (typeof formActions)[number];

export function isFormAction(action: ButtonAction): action is FormAction {
  return (formActions as readonly ButtonAction[]).includes(action);
}

interface FormOf {
  action: FormAction;
  /** Of the request, or of the question. */
  id: string;
  picture?: number;
  arg?: string;
}

/** The form of an action in the reader's language; of a remix, filled in as the request was planned. */
export function buildForm(form: FormOf, facts: CardFacts, language: Language): FormSpec {
  const { chat } = messagesFor(language);
  const { forms, actions } = chat;
  const field = (name: string, label: string, rest: Partial<FormField> = {}): FormField => ({
    name,
    label,
    kind: 'paragraph',
    required: true,
    maxLength: maxFieldChars,
    ...rest,
    ...(rest.value === undefined ? {} : { value: rest.value.slice(0, maxFieldChars) }),
  });
  const common = {
    id: formatButtonId(form.action, form.id, form),
    title: actions[form.action].title.slice(0, maxTitleChars),
    submitLabel: forms.submit,
  };
  switch (form.action) {
    case 'remix': {
      const { prompt, negative, options } = currentOf(facts);
      return {
        ...common,
        hint: forms.remixHint,
        textField: 'prompt',
        fields: [
          field('prompt', forms.prompt, { value: prompt }),
          field('negative', forms.negative, { required: false, value: negative, maxLength: 2_000 }),
          field('options', forms.settings, {
            kind: 'line',
            required: false,
            value: formatOptions(options, language),
            placeholder: forms.settingsHint,
            maxLength: 500,
          }),
        ],
      };
    }
    case 'edit':
      return {
        ...common,
        hint: forms.editHint,
        textField: 'text',
        fields: [field('text', forms.change, { maxLength: MAX_PROMPT_CHARS })],
      };
    case 'vary_region':
      return {
        ...common,
        hint: forms.editHint,
        textField: 'text',
        fields: [
          field('region', forms.region, { kind: 'line', maxLength: 500, placeholder: forms.regionHint }),
          field('text', forms.becomes),
        ],
      };
    case 'animate':
      return {
        ...common,
        hint: forms.motionHint,
        textField: 'text',
        fields: [field('text', forms.motion, { required: false, maxLength: 2_000 })],
      };
    case 'report':
      return {
        ...common,
        hint: forms.reportHint,
        textField: 'text',
        submitLabel: actions.report.label,
        fields: [field('text', forms.reason, { maxLength: 1_000 })],
      };
    default:
      return {
        ...common,
        hint: facts.request.question?.text[language] ?? forms.answer,
        textField: 'text',
        submitLabel: actions.answer.label,
        fields: [
          field('text', forms.answer, {
            value: form.arg === 'change' ? (facts.request.question?.plan?.prompt ?? '') : '',
          }),
        ],
      };
  }
}

/** What a request was drawn with: as planned, and as asked where there is no plan. The seed is left out: another picture is wanted. */
function currentOf(facts: CardFacts): { prompt: string; negative: string; options: Partial<ImagineOptions> } {
  const { plan, body } = facts.request;
  if (plan === null) {
    const asked: Partial<ImagineOptions> = body.kind === 'imagine' ? body.options : {};
    const { negative = '', seed: _seed, prompt: _prompt, ...options } = asked;
    return { prompt: titleOf(facts) ?? '', negative, options };
  }
  const { negative = '', seed: _seed, ...options } = optionsOfPlan(plan);
  return { prompt: plan.prompt, negative, options };
}

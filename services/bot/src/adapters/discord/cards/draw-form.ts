import {
  type APILabelComponent,
  type APIModalInteractionResponseCallbackData,
  ComponentType,
  TextInputStyle,
} from 'discord.js';
import { shorten } from '@atelier/shared/text/shorten';
import type { FormField, FormSpec } from '../../../core/forms/form-spec.ts';

/** https://discord.com/developers/docs/components/reference#label and #text-input */
const maxTitleChars = 45;
const maxFields = 5;
const maxValueChars = 4_000;
const maxPlaceholderChars = 100;
const maxOptionChars = 100;

/** A form as a modal. */
export function drawForm(form: FormSpec): APIModalInteractionResponseCallbackData {
  return {
    custom_id: form.id,
    title: shorten(form.title, maxTitleChars),
    components: form.fields.slice(0, maxFields).map((field) => drawField(field)),
  };
}

function drawField(field: FormField): APILabelComponent {
  const base = { type: ComponentType.Label as const, label: shorten(field.label, maxTitleChars) };
  const placeholder =
    field.placeholder === undefined ? {} : { placeholder: shorten(field.placeholder, maxPlaceholderChars) };
  if (field.kind === 'choice' && field.choices !== undefined && field.choices.length > 0) {
    return {
      ...base,
      component: {
        type: ComponentType.StringSelect,
        custom_id: field.name,
        required: field.required,
        ...placeholder,
        options: field.choices.map(({ value, label }) => ({
          value,
          label: shorten(label, maxOptionChars),
          ...(value === field.value ? { default: true } : {}),
        })),
      },
    };
  }
  const maxLength = Math.min(field.maxLength, maxValueChars);
  return {
    ...base,
    component: {
      type: ComponentType.TextInput,
      custom_id: field.name,
      style: field.kind === 'paragraph' ? TextInputStyle.Paragraph : TextInputStyle.Short,
      required: field.required,
      max_length: maxLength,
      ...placeholder,
      ...(field.value === undefined || field.value === '' ? {} : { value: shorten(field.value, maxLength) }),
    },
  };
}

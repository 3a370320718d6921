import { z } from 'zod';
import { parsePayload, stringSelect } from './check-message.ts';
import { invalidForm } from './discord-error.ts';

/* Rules: https://discord.com/developers/docs/components/reference and /interactions/receiving-and-responding */

const idField = { id: z.int().min(0).max(2_147_483_647).optional() };
const textInput = z
  .strictObject({
    ...idField,
    type: z.literal(4),
    custom_id: z.string().min(1).max(100),
    style: z.literal([1, 2]),
    min_length: z.int().min(0).max(4_000).optional(),
    max_length: z.int().min(1).max(4_000).optional(),
    required: z.boolean().optional(),
    value: z.string().max(4_000).optional(),
    placeholder: z.string().max(100).optional(),
  })
  .refine((one) => (one.value?.length ?? 0) <= (one.max_length ?? 4_000), 'the value is longer than max_length')
  // An empty value is none.
  .refine((one) => !one.value || one.value.length >= (one.min_length ?? 0), 'the value is shorter than min_length');
const fileUpload = z.strictObject({
  ...idField,
  type: z.literal(19),
  custom_id: z.string().min(1).max(100),
  min_values: z.int().min(0).max(10).optional(),
  max_values: z.int().min(1).max(10).optional(),
  required: z.boolean().optional(),
});
const label = z.strictObject({
  ...idField,
  type: z.literal(18),
  label: z.string().min(1).max(45),
  description: z.string().min(1).max(100).optional(),
  component: z.union([textInput, stringSelect, fileUpload]),
});
const note = z.strictObject({ ...idField, type: z.literal(10), content: z.string().min(1).max(4_000) });

const modalSchema = z.strictObject({
  custom_id: z.string().min(1).max(100),
  title: z.string().min(1).max(45),
  components: z
    .array(z.union([label, note]))
    .min(1)
    .max(5),
});
export type FakeModal = z.infer<typeof modalSchema>;
type Field = z.infer<typeof label>;

/** @throws DiscordError 50035 */
export function parseModal(value: unknown): FakeModal {
  const modal = parsePayload(modalSchema, value);
  const ids = fieldsOf(modal).map((field) => field.component.custom_id);
  if (ids.length === 0) throw invalidForm({ components: 'a modal without a field' });
  if (new Set(ids).size !== ids.length) throw invalidForm({ components: 'a custom_id occurs twice' });
  return modal;
}

function fieldsOf(modal: FakeModal): Field[] {
  return modal.components.filter((one) => one.type === 18);
}

/** The form as the person's client sends it: what they filled in over what stood there. @throws Error what a client would not let through. */
export function fillModal(modal: FakeModal, values: Record<string, string>): unknown[] {
  const fields = fieldsOf(modal);
  for (const name of Object.keys(values)) {
    if (!fields.some((field) => field.component.custom_id === name)) throw new Error(`the modal has no field ${name}`);
  }
  return fields.map((field, index) => ({ type: 18, id: index + 1, component: fillField(field, values) }));
}

function fillField({ component }: Field, values: Record<string, string>): unknown {
  const given = values[component.custom_id];
  const common = { id: 100, type: component.type, custom_id: component.custom_id };
  if (component.type === 19) return { ...common, values: [] };
  if (component.type === 3) {
    const chosen = given ?? component.options.find((option) => option.default)?.value;
    if (chosen !== undefined && !component.options.some((option) => option.value === chosen)) {
      throw new Error(`${component.custom_id} does not offer ${chosen}`);
    }
    if (chosen === undefined && component.required !== false) throw new Error(`${component.custom_id} is required`);
    return { ...common, values: chosen === undefined ? [] : [chosen] };
  }
  const value = given ?? component.value ?? '';
  if (value === '' && component.required !== false) throw new Error(`${component.custom_id} is required`);
  const { min_length: min = 0, max_length: max = 4_000 } = component;
  if (value !== '' && (value.length < min || value.length > max)) {
    throw new Error(`${component.custom_id} takes ${min} to ${max} characters`);
  }
  return { ...common, value };
}

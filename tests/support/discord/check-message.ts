import { z } from 'zod';
import { invalidForm } from './discord-error.ts';

/*
 * Discord's rules for messages: https://discord.com/developers/docs/resources/message and /components/reference. Unknown
 * fields, which Discord ignores, are refused as well: they are mistakes.
 */

export const componentsV2Flag = 1 << 15;
export const ephemeralFlag = 1 << 6;
export const loadingFlag = 1 << 7;
const maxComponents = 40;
const maxTextChars = 4_000;
const maxFiles = 10;

const idField = { id: z.int().min(0).max(2_147_483_647).optional() };
const media = z.strictObject({ url: z.string().regex(/^(attachment|https?):\/\/.+/) });
const text = z.strictObject({ ...idField, type: z.literal(10), content: z.string().min(1).max(maxTextChars) });
const button = z
  .strictObject({
    ...idField,
    type: z.literal(2),
    style: z.int().min(1).max(6),
    label: z.string().min(1).max(80).optional(),
    emoji: z.strictObject({ id: z.string().nullable().optional(), name: z.string().optional() }).optional(),
    custom_id: z.string().min(1).max(100).optional(),
    url: z.url().max(512).optional(),
    disabled: z.boolean().optional(),
  })
  .refine((one) => (one.style === 5 ? one.url !== undefined : one.custom_id !== undefined), 'custom_id or url missing')
  .refine((one) => one.style === 5 || one.url === undefined, 'only a link button has a url')
  .refine((one) => one.label !== undefined || one.emoji !== undefined, 'a label or an emoji is required');
const selectFields = {
  ...idField,
  custom_id: z.string().min(1).max(100),
  placeholder: z.string().max(150).optional(),
  min_values: z.int().min(0).max(25).optional(),
  max_values: z.int().min(1).max(25).optional(),
  required: z.boolean().optional(),
  disabled: z.boolean().optional(),
};
export const stringSelect = z
  .strictObject({
    ...selectFields,
    type: z.literal(3),
    options: z
      .array(
        z.strictObject({
          label: z.string().min(1).max(100),
          value: z.string().min(1).max(100),
          description: z.string().min(1).max(100).optional(),
          emoji: z.strictObject({ name: z.string() }).optional(),
          default: z.boolean().optional(),
        }),
      )
      .min(1)
      .max(25),
  })
  .refine((one) => new Set(one.options.map((option) => option.value)).size === one.options.length, 'a value twice')
  .refine((one) => one.options.filter((option) => option.default).length <= (one.max_values ?? 1), 'too many defaults')
  .refine((one) => (one.max_values ?? 1) <= one.options.length, 'max_values is more than there are options');
/** Of users, roles, both, channels. */
const entitySelect = z.strictObject({ ...selectFields, type: z.literal([5, 6, 7, 8]) });
const row = z.strictObject({
  ...idField,
  type: z.literal(1),
  components: z.union([z.array(button).min(1).max(5), z.tuple([z.union([stringSelect, entitySelect])])]),
});
const gallery = z.strictObject({
  ...idField,
  type: z.literal(12),
  items: z
    .array(
      z.strictObject({
        media,
        description: z.string().min(1).max(1_024).optional(),
        spoiler: z.boolean().optional(),
      }),
    )
    .min(1)
    .max(10),
});
const file = z.strictObject({
  ...idField,
  type: z.literal(13),
  file: z.strictObject({ url: z.string().regex(/^attachment:\/\/.+/) }),
  spoiler: z.boolean().optional(),
});
const separator = z.strictObject({
  ...idField,
  type: z.literal(14),
  divider: z.boolean().optional(),
  spacing: z.int().min(1).max(2).optional(),
});
const section = z.strictObject({
  ...idField,
  type: z.literal(9),
  components: z.array(text).min(1).max(3),
  accessory: z.union([
    button,
    z.strictObject({
      ...idField,
      type: z.literal(11),
      media,
      description: z.string().min(1).max(1_024).optional(),
      spoiler: z.boolean().optional(),
    }),
  ]),
});
const inContainer = z.union([text, row, gallery, file, separator, section]);
const container = z.strictObject({
  ...idField,
  type: z.literal(17),
  accent_color: z.int().min(0).max(0xffffff).nullable().optional(),
  spoiler: z.boolean().optional(),
  components: z.array(inContainer).min(1).max(maxComponents),
});
const componentSchema = z.union([container, inContainer]);
export type Component = z.infer<typeof componentSchema>;

const attachmentSchema = z.strictObject({
  id: z.string(),
  filename: z.string().min(1).max(260).optional(),
  description: z.string().min(1).max(1_024).optional(),
});

export const messagePayloadSchema = z.strictObject({
  content: z.string().max(2_000).nullable().optional(),
  components: z.array(componentSchema).optional(),
  attachments: z.array(attachmentSchema).max(maxFiles).optional(),
  flags: z.int().min(0).optional(),
  nonce: z.union([z.string().min(1).max(25), z.int()]).optional(),
  enforce_nonce: z.boolean().optional(),
  message_reference: z.strictObject({ message_id: z.string(), fail_if_not_exists: z.boolean().optional() }).optional(),
  allowed_mentions: z
    .strictObject({
      parse: z.array(z.enum(['users', 'roles', 'everyone'])).optional(),
      users: z.array(z.string()).max(100).optional(),
      roles: z.array(z.string()).max(100).optional(),
      replied_user: z.boolean().optional(),
    })
    .refine((one) => !(one.parse?.includes('users') === true && (one.users?.length ?? 0) > 0), 'users is also in parse')
    .optional(),
});
export type MessagePayload = z.infer<typeof messagePayloadSchema>;

/** @throws DiscordError 50035 that names each field. */
export function parsePayload<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidForm(
    Object.fromEntries(parsed.error.issues.map((issue) => [issue.path.join('.') || 'body', issue.message])),
  );
}

export interface SentFile {
  name: string;
  contentType: string;
  bytes: Uint8Array;
}

/**
 * What holds for a message as a whole.
 *
 * @param isV2 the message had, or gets, components of version 2.
 * @param attachmentNames of all attachments that it has in the end.
 * @throws DiscordError 50035, 50006
 */
export function checkMessage(payload: MessagePayload, isV2: boolean, attachmentNames: readonly string[]): void {
  const components = payload.components ?? [];
  if (((payload.flags ?? 0) & ~(componentsV2Flag | ephemeralFlag | (1 << 2) | (1 << 12))) !== 0) {
    throw invalidForm({ flags: 'these flags cannot be set' });
  }
  if (isV2 && payload.content !== undefined && payload.content !== null && payload.content !== '') {
    throw invalidForm({ content: 'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2' });
  }
  if (!isV2 && components.some((one) => one.type !== 1)) {
    throw invalidForm({ components: 'needs the flag IS_COMPONENTS_V2' });
  }
  const all = flatten(components);
  if (all.length > maxComponents) throw invalidForm({ components: `more than ${maxComponents} components` });
  const chars = all.reduce((sum, one) => sum + (one.type === 10 ? one.content.length : 0), 0);
  if (chars > maxTextChars) throw invalidForm({ components: `more than ${maxTextChars} characters of text` });
  unique(
    all.flatMap((one) => ('custom_id' in one && one.custom_id !== undefined ? [one.custom_id] : [])),
    'custom_id',
  );
  unique(
    all.flatMap((one) => (one.id === undefined || one.id === 0 ? [] : [String(one.id)])),
    'component id',
  );
  for (const url of mediaUrls(all)) {
    const name = /^attachment:\/\/(.+)$/.exec(url)?.[1];
    if (name !== undefined && !attachmentNames.includes(name)) {
      throw invalidForm({ components: `UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND ${name}` });
    }
  }
  if (components.length === 0 && (payload.content ?? '') === '' && attachmentNames.length === 0) {
    throw invalidForm({ content: 'Cannot send an empty message' });
  }
}

export type ButtonComponent = z.infer<typeof button>;
export type SelectComponent = z.infer<typeof stringSelect> | z.infer<typeof entitySelect>;
export type AnyComponent = Component | ButtonComponent | SelectComponent;

export function flatten(components: readonly AnyComponent[]): AnyComponent[] {
  return components.flatMap((one): AnyComponent[] => {
    if (one.type === 17 || one.type === 1) return [one, ...flatten(one.components)];
    if (one.type === 9) {
      return [one, ...one.components, ...(one.accessory.type === 2 ? [one.accessory] : [])];
    }
    return [one];
  });
}

function mediaUrls(components: readonly AnyComponent[]): string[] {
  return components.flatMap((one) => {
    if (one.type === 12) return one.items.map((item) => item.media.url);
    if (one.type === 9 && one.accessory.type === 11) return [one.accessory.media.url];
    return one.type === 13 ? [one.file.url] : [];
  });
}

function unique(values: readonly string[], what: string): void {
  if (new Set(values).size !== values.length) throw invalidForm({ components: `a ${what} occurs twice` });
}

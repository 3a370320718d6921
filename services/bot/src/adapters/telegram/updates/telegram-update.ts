import { z } from 'zod';

/** The parts of Telegram's updates that this bot reads. https://core.telegram.org/bots/api#update */
const userSchema = z.object({
  id: z.number(),
  is_bot: z.boolean(),
  first_name: z.string(),
  last_name: z.string().optional(),
  username: z.string().optional(),
  language_code: z.string().optional(),
});
export type TelegramUser = z.infer<typeof userSchema>;

const chatSchema = z.object({ id: z.number(), type: z.enum(['private', 'group', 'supergroup', 'channel']) });

const entitySchema = z.object({
  type: z.string(),
  /** In UTF-16 code units. */
  offset: z.int(),
  length: z.int(),
  user: userSchema.optional(),
});

const fileSchema = z.object({
  file_id: z.string(),
  file_size: z.number().optional(),
  file_name: z.string().optional(),
  mime_type: z.string().optional(),
});

const keyboardSchema = z.object({
  inline_keyboard: z.array(z.array(z.object({ callback_data: z.string().optional() }))),
});

/** A message that is answered, as it stands now. */
const answeredSchema = z.object({
  message_id: z.int(),
  from: userSchema.optional(),
  text: z.string().optional(),
  caption: z.string().optional(),
  entities: z.array(z.object({ type: z.string(), url: z.string().optional() })).optional(),
  photo: z.array(fileSchema).optional(),
  document: fileSchema.optional(),
  reply_markup: keyboardSchema.optional(),
});
export type AnsweredMessage = z.infer<typeof answeredSchema>;

/** Only that it is there. */
const presentSchema = z.object({}).optional();

const messageSchema = z.object({
  message_id: z.int(),
  from: userSchema.optional(),
  chat: chatSchema,
  message_thread_id: z.int().optional(),
  is_topic_message: z.boolean().optional(),
  text: z.string().optional(),
  entities: z.array(entitySchema).optional(),
  caption: z.string().optional(),
  caption_entities: z.array(entitySchema).optional(),
  /** The same picture in several sizes, the largest last. */
  photo: z.array(fileSchema).optional(),
  document: fileSchema.optional(),
  voice: presentSchema,
  audio: presentSchema,
  video: presentSchema,
  video_note: presentSchema,
  sticker: presentSchema,
  /** Pictures that were sent together share it; they come as messages of their own. */
  media_group_id: z.string().optional(),
  reply_to_message: answeredSchema.optional(),
  /** The part of the answered message that was chosen. */
  quote: z.object({ text: z.string() }).optional(),
  /** Unix time. */
  edit_date: z.int().optional(),
  /** The group has become a supergroup with this id. */
  migrate_to_chat_id: z.number().optional(),
});
export type TelegramMessage = z.infer<typeof messageSchema>;

const callbackQuerySchema = z.object({
  id: z.string(),
  from: userSchema,
  data: z.string().optional(),
  message: z
    .object({
      message_id: z.int(),
      chat: chatSchema,
      message_thread_id: z.int().optional(),
      is_topic_message: z.boolean().optional(),
      reply_to_message: messageSchema.optional(),
    })
    .optional(),
});
export type TelegramCallbackQuery = z.infer<typeof callbackQuerySchema>;

export const telegramUpdateSchema = z.object({
  update_id: z.int(),
  message: messageSchema.optional(),
  edited_message: messageSchema.optional(),
  callback_query: callbackQuerySchema.optional(),
});
export type TelegramUpdate = z.infer<typeof telegramUpdateSchema>;

/** Which chat's order an update keeps; those of none keep only their own. */
export function chatOf(update: TelegramUpdate): string {
  const chat = update.message?.chat ?? update.edited_message?.chat ?? update.callback_query?.message?.chat;
  return chat === undefined ? `update ${update.update_id}` : String(chat.id);
}

import { z } from 'zod';

/** A canonical lowercase UUID, as every id of ours is. */
export const uuidSchema = z.uuid().toLowerCase();

/** Where people ask: one value an adapter. `cli` is the terminal command, `api` the gateway. */
export const doorSchema = z.enum(['web', 'cli', 'discord', 'telegram', 'api']);
export type Door = z.infer<typeof doorSchema>;

/** Languages that messages are written in. */
export const languageSchema = z.enum(['en', 'zh']);
export type Language = z.infer<typeof languageSchema>;

/** A person as a platform knows them. `id` is the platform's own id, such as a Discord snowflake. */
export const platformUserSchema = z.strictObject({
  door: doorSchema,
  id: z.string().min(1).max(200),
  displayName: z.string().min(1).max(100),
  language: languageSchema,
});
export type PlatformUser = z.infer<typeof platformUserSchema>;

/**
 * Where the answer goes: a place on a platform. `id` is the conversation's key there (a web person's timeline, a
 * Discord channel or thread, a Telegram chat); `threadId` a Telegram topic; `replyTo` the message that asked; `userId`
 * who asked, as the platform names them: for mentions, and for a private answer where the place is closed; `isAdult`
 * that the platform called it a place for adults when it was asked there.
 */
export const placeSchema = z.strictObject({
  door: doorSchema,
  id: z.string().min(1).max(200),
  threadId: z.string().max(100).optional(),
  replyTo: z.string().max(100).optional(),
  guildId: z.string().max(100).optional(),
  userId: z.string().max(100).optional(),
  isAdult: z.boolean().optional(),
});
export type Place = z.infer<typeof placeSchema>;

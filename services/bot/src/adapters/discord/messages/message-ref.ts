import { z } from 'zod';

/** Discord's limit for a file where neither the interaction nor the server says another. */
export const defaultMaxFileBytes = 10 * 1_024 * 1_024;

/** Where a message of ours stands; stored with its delivery. */
export const messageRefSchema = z.object({
  channelId: z.string(),
  messageId: z.string(),
  /** What one attachment may weigh there. */
  maxFileBytes: z.number().default(defaultMaxFileBytes),
  /** It was sent to the person alone, as a message of its own: that notifies already. */
  notified: z.boolean().default(false),
  /** Only its reader sees it: only the right of its interaction edits it, and nobody can link to it. */
  ephemeral: z.boolean().default(false),
});
export type MessageRef = z.infer<typeof messageRefSchema>;

export function parseMessageRef(stored: Record<string, unknown> | null | undefined): MessageRef | undefined {
  return messageRefSchema.safeParse(stored).data;
}

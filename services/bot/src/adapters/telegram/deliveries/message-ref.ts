import { z } from 'zod';

/** Where a message of ours stands, with the albums that belong to it; stored with its delivery. */
export const messageRefSchema = z.object({
  chatId: z.string(),
  messageId: z.string(),
  albumIds: z.array(z.string()).optional(),
});
export type MessageRef = z.infer<typeof messageRefSchema>;

export function parseMessageRef(stored: Record<string, unknown> | null | undefined): MessageRef | undefined {
  return messageRefSchema.safeParse(stored).data;
}

/** What a delivery of several messages has sent already; stored between them. */
export const sentPartsSchema = z.object({ albumIds: z.array(z.string()).min(1) });

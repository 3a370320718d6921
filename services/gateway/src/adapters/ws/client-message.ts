import { z } from 'zod';
import { uuidSchema } from '@atelier/shared/contracts/identity';
import { requestBodySchema } from '@atelier/shared/contracts/request';

/** The caller's own name for a message: the answer carries it. */
const refSchema = z.union([z.string().max(100), z.number()]).optional();

/** What a client may say on its socket, as JSON text. */
export const clientMessageSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('submit'),
    ref: refSchema,
    data: z.strictObject({
      request: requestBodySchema,
      idempotency_key: z.string().min(1).max(200).optional(),
      private: z.boolean().optional(),
    }),
  }),
  z.strictObject({ type: z.literal('cancel'), ref: refSchema, data: z.strictObject({ prompt_id: uuidSchema }) }),
  z.strictObject({ type: z.literal('subscribe'), ref: refSchema, data: z.strictObject({ prompt_id: uuidSchema }) }),
  z.strictObject({ type: z.literal('ping'), ref: refSchema }),
]);
export type ClientMessage = z.infer<typeof clientMessageSchema>;

/** Names the program on the other side: letters, digits and `. _ : -`. */
export const clientIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,100}$/, 'must be 1 to 100 letters, digits or . _ : -');

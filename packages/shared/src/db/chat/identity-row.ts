import { z } from 'zod';
import { doorSchema } from '../../contracts/identity.ts';

/** A person as a platform knows them. */
export const identitySchema = z.object({ door: doorSchema, platformId: z.string() });
export type Identity = z.infer<typeof identitySchema>;

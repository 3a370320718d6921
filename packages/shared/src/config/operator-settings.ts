import { z } from 'zod';

/** Who the operators are. Spread into a service's own schema. */
export const operatorSettings = {
  /** Operators, as door:id between commas, such as discord:123456789012345678, telegram:1234567. */
  ATELIER_ADMINS: z
    .string()
    .default('')
    .transform((text) => text.split(/[\s,]+/).filter((entry) => entry !== ''))
    .refine(
      (entries) => entries.every((entry) => /^(discord|telegram|web|cli|api):\S{1,200}$/.test(entry)),
      'must be door:id between commas, such as discord:123456789012345678',
    ),
} as const;

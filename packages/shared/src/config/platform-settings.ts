import { z } from 'zod';
import { httpUrlSetting, intSetting, logLevelSetting, natsUrlSetting, postgresUrlSetting } from './parse-config.ts';

/** Settings that every service takes. Spread into its own schema. */
export const platformSettings = {
  NATS_URL: natsUrlSetting,
  DATABASE_URL: postgresUrlSetting,
  /** Goes before every stream, subject and consumer name, so that two installations can share a NATS server. */
  NATS_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,32}$/, 'must be 1 to 32 letters, digits, - or _')
    .optional(),
  LOG_LEVEL: logLevelSetting.default('info'),
  DATABASE_POOL_SIZE: intSetting(2, 100).default(8),
} as const;

/** State of this copy of the product, of services that keep some. */
export const homeSettings = { ATELIER_HOME: z.string().default('.atelier') } as const;

/** Where files are kept: a folder, or an S3-compatible store when ASSETS_S3_BUCKET is set. */
export const assetSettings = {
  ATELIER_ASSETS_DIR: z.string().optional(),
  ASSETS_S3_BUCKET: z.string().optional(),
  ASSETS_S3_ENDPOINT: httpUrlSetting.optional(),
  ASSETS_S3_REGION: z.string().default('us-east-1'),
  ASSETS_S3_ACCESS_KEY_ID: z.string().optional(),
  ASSETS_S3_SECRET_ACCESS_KEY: z.string().optional(),
  /** Largest file that is stored, in bytes. */
  ASSETS_MAX_BYTES: intSetting(1_024, 10_737_418_240).default(536_870_912),
} as const;

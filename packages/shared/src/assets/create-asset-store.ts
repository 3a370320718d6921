import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import type { assetSettings } from '../config/platform-settings.ts';
import { AppError } from '../errors/app-error.ts';
import type { AssetStore } from './asset-store.ts';
import { createFolderAssetStore } from './folder-asset-store.ts';

export type AssetSettings = z.infer<z.ZodObject<typeof assetSettings>>;

/**
 * The asset store that the settings name. What an S3 store needs is loaded only for one.
 *
 * @throws AppError `config` that names the settings to set. Nothing is opened: whether the store answers is seen at the
 * first use.
 */
export async function createAssetStore(settings: AssetSettings): Promise<AssetStore> {
  const { ATELIER_ASSETS_DIR: folder, ASSETS_S3_BUCKET: bucket, ASSETS_MAX_BYTES: maxBytes } = settings;
  if (bucket === undefined) {
    if (folder === undefined) {
      throw missing('ATELIER_ASSETS_DIR', 'set it to a folder for files, or set ASSETS_S3_BUCKET');
    }
    return createFolderAssetStore({ folder: resolve(folder), maxBytes });
  }
  const { ASSETS_S3_ACCESS_KEY_ID: accessKeyId, ASSETS_S3_SECRET_ACCESS_KEY: secretAccessKey } = settings;
  if (accessKeyId === undefined) throw missing('ASSETS_S3_ACCESS_KEY_ID', 'an S3 store needs it');
  if (secretAccessKey === undefined) throw missing('ASSETS_S3_SECRET_ACCESS_KEY', 'an S3 store needs it');
  const { createS3AssetStore } = await import('./s3-asset-store.ts');
  return createS3AssetStore({
    endpoint: settings.ASSETS_S3_ENDPOINT ?? `https://s3.${settings.ASSETS_S3_REGION}.amazonaws.com`,
    region: settings.ASSETS_S3_REGION,
    bucket,
    accessKeyId,
    secretAccessKey,
    spoolFolder: join(folder === undefined ? join(tmpdir(), 'atelier-assets') : resolve(folder), 'temporary'),
    maxBytes,
  });
}

function missing(variable: string, what: string): AppError {
  return new AppError('config', `These settings are missing or wrong:\n  ${variable}: ${what}`, {
    details: { variables: [variable] },
  });
}

import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config/parse-config.ts';
import { assetSettings } from '../config/platform-settings.ts';
import { createAssetStore } from './create-asset-store.ts';

const settings = (env: Record<string, string>) => parseConfig(z.object(assetSettings), env);

describe('the asset store by settings', () => {
  it.each([
    [{ ATELIER_ASSETS_DIR: 'assets' }],
    [{ ASSETS_S3_BUCKET: 'b', ASSETS_S3_ACCESS_KEY_ID: 'id', ASSETS_S3_SECRET_ACCESS_KEY: 'secret' }],
  ])('is made without touching anything: %j', async (env) => {
    expect(await createAssetStore(settings(env))).toHaveProperty('put');
  });

  it.each([
    ['ATELIER_ASSETS_DIR', {}],
    ['ASSETS_S3_ACCESS_KEY_ID', { ASSETS_S3_BUCKET: 'b', ASSETS_S3_SECRET_ACCESS_KEY: 'hidden' }],
    ['ASSETS_S3_SECRET_ACCESS_KEY', { ASSETS_S3_BUCKET: 'b', ASSETS_S3_ACCESS_KEY_ID: 'hidden' }],
  ])('names %s where it is missing, and no value', async (variable, env) => {
    const making = createAssetStore(settings(env));
    await expect(making).rejects.toMatchObject({ code: 'config', details: { variables: [variable] } });
    await expect(making).rejects.toThrow(variable);
    await expect(making).rejects.not.toThrow('hidden');
  });
});

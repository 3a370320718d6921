import { buffer } from 'node:stream/consumers';
import type { ComfyClient } from '@atelier/comfyui/client/comfy-client';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { JobRecord } from '@atelier/shared/db/jobs/job-row';

/**
 * Puts a job's input files into ComfyUI's input folder under the names that its workflow uses. The names carry the
 * content's hash and are overwritten, so that ComfyUI gives back the name that was asked for and a repeat changes nothing.
 *
 * @returns false when a file is no longer in the asset store.
 * @throws ComfyError; Error when ComfyUI stored it under another name all the same.
 */
export async function uploadInputs(
  client: Pick<ComfyClient, 'uploadImage'>,
  assets: AssetStore,
  job: JobRecord,
  signal: AbortSignal,
): Promise<boolean> {
  for (const input of job.inputs) {
    if ((await assets.head(input.hash)) === undefined) return false;
    const bytes = await buffer(await assets.get(input.hash));
    const uploaded = await client.uploadImage(
      { name: input.name, content: bytes, contentType: input.mediaType },
      { overwrite: true, signal },
    );
    if (uploaded.inputValue !== input.name) {
      throw new Error(`ComfyUI stored the input as ${uploaded.inputValue} instead of ${input.name}`);
    }
  }
  return true;
}

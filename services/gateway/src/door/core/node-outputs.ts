import type { JsonObject } from '@atelier/comfyui/json/json';
import type { JobOutput } from '@atelier/shared/contracts/job';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';

/** An output file as ComfyUI names it. */
export type NodeFile = { filename: string; subfolder: string; type: string };

/** A text that a node showed, which is kept as a file of its own: no file that a node wrote. */
export function isInlineText({ mediaType, filename }: Pick<JobOutput, 'mediaType' | 'filename'>): boolean {
  return mediaType === 'text/plain' && /^text-\d+\.txt$/.test(filename);
}

/**
 * The outputs of a run by node, as `history` and `executed` give them: pictures and clips under `images`, sound under
 * `audio`, models under `3d`, texts under `text`, other files under `files`.
 *
 * Files carry the request's id as their subfolder: names repeat between ComfyUI servers, and addresses must not. Previews
 * that are still kept stand among them with the type `temp`.
 *
 * @param texts contents of text outputs, by hash.
 */
export function nodeOutputs(
  jobs: readonly JobWithOutputs[],
  requestId: string,
  texts: ReadonlyMap<string, string> = new Map(),
): Record<string, JsonObject> {
  const byNode: Record<string, JsonObject> = {};
  for (const { outputs, previews = [] } of jobs) {
    for (const output of [...outputs, ...previews]) {
      const node = (byNode[output.nodeId] ??= {});
      const add = (key: string, value: NodeFile | string): void => {
        const list = node[key];
        if (Array.isArray(list)) list.push(value);
        else node[key] = [value];
      };
      const text = isInlineText(output) ? texts.get(output.hash) : undefined;
      if (text !== undefined) {
        add('text', text);
        continue;
      }
      const type = output.kind === 'preview' ? 'temp' : 'output';
      add(keyOf(output.mediaType), { filename: output.filename, subfolder: requestId, type });
      if (output.mediaType.startsWith('video/')) node['animated'] = [true];
    }
  }
  return byNode;
}

function keyOf(mediaType: string): string {
  if (mediaType.startsWith('image/') || mediaType.startsWith('video/')) return 'images';
  if (mediaType.startsWith('audio/')) return 'audio';
  return mediaType.startsWith('model/') ? '3d' : 'files';
}

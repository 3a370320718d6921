import { createHash } from 'node:crypto';
import type { NodeId } from '@atelier/comfyui/graph/workflow';
import { addressOf } from '../files/file-names.ts';
import type { FileStore } from '../files/file-store.ts';
import type { QueuedPrompt } from '../queue/prompt-queue.ts';

/** Classes whose IS_CHANGED is the hash of the file that `image` names. */
const imageLoaders = new Set(['LoadImage', 'LoadImageMask', 'LoadImageOutput']);

/** Finds what IS_CHANGED gives for each node of a prompt: a missing file counts as changed every time. */
export function createChangeTokens(
  files: FileStore,
): (item: QueuedPrompt) => Promise<(id: NodeId) => string | undefined> {
  return async (item) => {
    const tokens = new Map<NodeId, string>();
    for (const [id, node] of Object.entries(item.workflow)) {
      const value = node.inputs['image'];
      if (!imageLoaders.has(node.class_type) || typeof value !== 'string') continue;
      const address = addressOf(value, node.class_type === 'LoadImageOutput' ? 'output' : 'input');
      const file = address === undefined ? undefined : await files.read(address.folder, address.name);
      tokens.set(
        id,
        file === undefined
          ? `missing ${item.promptId} ${item.number}`
          : createHash('sha256').update(file.bytes).digest('hex'),
      );
    }
    return (id) => tokens.get(id);
  };
}

import type { Messages } from '../messages/messages.ts';

type NodeKind = keyof Messages['progress']['nodes'];

/** First match counts. Class names are ComfyUI's; packs name theirs alike. */
const kinds: readonly [RegExp, NodeKind][] = [
  [/upscal/i, 'upscaling'],
  [/sampler/i, 'sampling'],
  [/vae\w*decode|decode/i, 'decoding'],
  [/^(save|preview)|combine/i, 'saving'],
  [/loader|^load/i, 'loading'],
  [/textencode|conditioning|clip/i, 'text'],
];

/** What a running node does, in everyday words. */
export function describeNode(classType: string | undefined, m: Messages): string {
  const kind = kinds.find(([pattern]) => pattern.test(classType ?? ''))?.[1];
  return kind === undefined ? m.progress.working : m.progress.nodes[kind];
}

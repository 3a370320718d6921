import { conditioningNodes } from './conditioning-nodes.ts';
import { fileNodes } from './file-nodes.ts';
import { imageLayoutNodes } from './image-layout-nodes.ts';
import { imageNodes } from './image-nodes.ts';
import { latentNodes } from './latent-nodes.ts';
import { loaderNodes } from './loader-nodes.ts';
import { maskNodes } from './mask-nodes.ts';
import type { NodeLibrary } from './node-context.ts';
import { primitiveNodes } from './primitive-nodes.ts';
import { samplingNodes } from './sampling-nodes.ts';
import { videoNodes } from './video-nodes.ts';

/** Every class that the simulator runs by its own rules. Others run generically. */
export function createNodeLibrary(): NodeLibrary {
  return new Map(
    Object.entries({
      ...loaderNodes,
      ...conditioningNodes,
      ...latentNodes,
      ...samplingNodes,
      ...imageNodes,
      ...imageLayoutNodes,
      ...maskNodes,
      ...fileNodes,
      ...videoNodes,
      ...primitiveNodes,
    }),
  );
}

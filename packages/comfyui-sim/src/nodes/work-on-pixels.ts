import { NodeException } from './node-context.ts';
import type { NodeContext } from './node-context.ts';

/** Pixels of all pictures of one batch that the simulated GPU holds: as RGB they are 384 MiB here. */
const maxBatchPixels = 128 * 1024 * 1024;

interface Size {
  width: number;
  height: number;
}

/** @throws NodeException `torch.OutOfMemoryError` for a batch that is too large to be worked on. */
export function checkMemory(size: Size | undefined, count: number): void {
  if (size === undefined) return;
  const { width, height } = size;
  if (width * height * count <= maxBatchPixels) return;
  throw new NodeException(
    'torch.OutOfMemoryError',
    `Allocation on device 0 would exceed allowed memory. (out of memory) ${count} pictures of ${width} x ${height} were asked for.`,
  );
}

/** Spends what the class costs for each megapixel of the pictures that it makes. */
export async function workOnPixels(context: NodeContext, pictures: readonly Size[]): Promise<void> {
  const first = pictures[0];
  const ms = context.profile.pixelMs[context.nodeClass.name] ?? 0;
  if (first !== undefined && ms > 0)
    await context.work((ms * first.width * first.height * pictures.length) / 1_000_000);
}

import type { NodeId, Workflow } from '../graph/workflow.ts';
import type { Registry } from '../registry/registry.ts';
import { NodeMeter } from './node-meter.ts';
import type { Extent } from './node-meter.ts';
import type { Inventory, Policy, PolicyReason } from './policy.ts';

/** Adds a reason for each limit that a workflow passes. The nodes come in an order in which sources stand first. */
export function checkWork(
  registry: Registry,
  workflow: Workflow,
  order: readonly NodeId[],
  policy: Policy,
  inventory: Inventory,
  refuse: (reason: PolicyReason) => void,
): void {
  const extents = new Map<NodeId, Extent>();
  let pixelSteps = 0;
  for (const id of order) {
    const node = workflow[id];
    const nodeClass = node === undefined ? undefined : registry.classes.get(node.class_type);
    if (node === undefined || nodeClass === undefined) continue;
    const meter = new NodeMeter({ registry, workflow, policy, inventory, extents, refuse }, id, node, nodeClass);
    const extent = meter.measure();
    extents.set(id, extent);
    pixelSteps += meter.pixelSteps(extent);
  }
  const { maxPixelSteps } = policy.limits;
  if (pixelSteps > maxPixelSteps) {
    refuse({
      code: 'too_much_work',
      message: `The workflow asks for ${inMillions(pixelSteps)} pixel steps (width × height × frames × batch × steps over all samplers); at most ${inMillions(maxPixelSteps)} are allowed. Use a smaller size, fewer steps or a smaller batch.`,
    });
  }
}

function inMillions(count: number): string {
  return Number.isFinite(count) ? `${Math.ceil(count / 1_000_000)} million` : 'endless';
}

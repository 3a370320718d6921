import type { Workflow } from '@atelier/comfyui/graph/workflow';

/** Progress is told once a step: loading, text encoding and decoding count as this many steps of a sampler. */
const silentSteps = 4;

/**
 * How long a run may show no sign of life before it is suspected; twice this, and its executor counts as dead although HTTP
 * answers. Half of what one step is expected to take would be enough to tell, and too little for a step that is slow
 * today: so a whole expected step, and never less than the floor.
 *
 * @param expectedMs what runs of this kind took; absent while none was measured.
 */
export function silenceMsOf(workflow: Workflow, expectedMs: number | undefined, floorMs: number): number {
  if (expectedMs === undefined) return floorMs;
  let steps = 0;
  for (const node of Object.values(workflow)) {
    const asked = node.inputs['steps'];
    if (typeof asked === 'number' && asked > 0) steps += asked;
  }
  return Math.max(floorMs, expectedMs / Math.max(1, steps / silentSteps));
}

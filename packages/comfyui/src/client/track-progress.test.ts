import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Workflow } from '../graph/workflow.ts';
import { propertyRuns } from '../testing/property-runs.ts';
import type { ComfyEvent, NodeProgress } from './comfy-event.ts';
import { createProgressTracker } from './track-progress.ts';

const promptId = 'p';

const workflow: Workflow = {
  '3': { class_type: 'KSampler', inputs: { steps: 4, model: ['4', 0], latent_image: ['5', 0] } },
  '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'a' } },
  '5': { class_type: 'EmptyLatentImage', inputs: {} },
  '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0] } },
  '9': { class_type: 'SaveImage', inputs: { images: ['8', 0] } },
  '11': { class_type: 'SaveImage', inputs: { images: ['12', 0] } },
  '12': { class_type: 'LoadImage', inputs: { image: 'x' } },
};

function states(...entries: [string, number, number, NodeProgress['state'], string?][]): ComfyEvent {
  const nodes = new Map(
    entries.map(([id, value, max, state, displayNodeId = id]) => [id, { value, max, state, displayNodeId }]),
  );
  return { type: 'progress_state', promptId, nodes };
}

describe('createProgressTracker', () => {
  it('names the node, counts nodes and weighs steps', () => {
    const tracker = createProgressTracker({ promptId, workflow, outputNodeIds: ['9'] });
    expect(tracker.take({ type: 'execution_cached', promptId, nodeIds: ['4', '5'] })).toMatchObject({
      nodesDone: 2,
      nodesTotal: 5,
      nodeId: undefined,
    });
    expect(tracker.take(states(['3', 0, 1, 'running']))).toMatchObject({
      nodeId: '3',
      classType: 'KSampler',
      value: 0,
      max: 1,
    });
    const half = tracker.take(states(['3', 2, 4, 'running']));
    expect(half).toMatchObject({ value: 2, max: 4, nodesDone: 2 });
    // Of 14 units: 3 for the loader, 1 for the latent, 4 of the sampler's 8.
    expect(half?.fraction).toBeCloseTo(8 / 14);
    expect(tracker.take({ type: 'progress', promptId, nodeId: '3', value: 2, max: 4 })).toBeUndefined();
    expect(tracker.take(states(['3', 4, 4, 'finished'], ['8', 0, 1, 'running']))).toMatchObject({
      nodeId: '8',
      nodesDone: 3,
    });
    expect(tracker.take({ type: 'executing', promptId, nodeId: null, displayNodeId: undefined })).toBeUndefined();
    expect(tracker.finish()).toMatchObject({ nodeId: undefined, nodesDone: 5, nodesTotal: 5, fraction: 1 });
  });

  it('counts what a node expanded into within that node', () => {
    const tracker = createProgressTracker({ promptId, workflow });
    expect(tracker.take(states(['3', 0, 1, 'running'], ['3.0.1', 1, 4, 'running', '3']))).toMatchObject({
      nodeId: '3',
      value: 1,
      max: 4,
    });
    expect(tracker.take({ type: 'progress', promptId, nodeId: '3.0.1', value: 2, max: 4 })).toBeUndefined();
    expect(tracker.take(states(['3', 0, 1, 'running'], ['3.0.1', 4, 4, 'finished', '3']))?.nodesDone).toBe(0);
  });

  it('does without the workflow', () => {
    const tracker = createProgressTracker({ promptId });
    expect(tracker.take(states(['3', 1, 4, 'running'], ['4', 1, 1, 'finished']))).toEqual({
      promptId,
      nodeId: '3',
      classType: undefined,
      value: 1,
      max: 4,
      nodesDone: 1,
      nodesTotal: undefined,
      fraction: undefined,
    });
  });

  it('never goes back, never leaves 0 to 1, whatever comes in whatever order', () => {
    const nodeId = fc.constantFrom('3', '4', '5', '8', '9', '12', '3.0.1', '__proto__');
    const number = fc.oneof(fc.integer({ min: -2, max: 30 }), fc.constantFrom(0, Number.NaN, Number.POSITIVE_INFINITY));
    const event: fc.Arbitrary<ComfyEvent> = fc.oneof(
      fc.record({
        type: fc.constant('execution_cached' as const),
        promptId: fc.constant(promptId),
        nodeIds: fc.array(nodeId),
      }),
      fc.record({
        type: fc.constant('progress' as const),
        promptId: fc.constant(promptId),
        nodeId,
        value: number,
        max: number,
      }),
      fc.record({
        type: fc.constant('executing' as const),
        promptId: fc.constant(promptId),
        nodeId: fc.option(nodeId),
        displayNodeId: fc.constant(undefined),
      }),
      fc
        .array(fc.tuple(nodeId, number, number, fc.constantFrom('pending', 'running', 'finished', 'error')))
        .map((entries) => states(...entries.map((entry): [string, number, number, NodeProgress['state']] => entry))),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const tracker = createProgressTracker({ promptId, workflow });
        let before = 0;
        for (const one of events) {
          const progress = tracker.take(one);
          if (progress === undefined) continue;
          expect(progress.fraction).toBeGreaterThanOrEqual(before);
          expect(progress.fraction).toBeLessThanOrEqual(1);
          expect(progress.nodesDone).toBeLessThanOrEqual(progress.nodesTotal ?? 0);
          before = progress.fraction ?? 0;
        }
      }),
      { seed: 3, numRuns: propertyRuns(300) },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import { isLink } from '@atelier/comfyui/graph/workflow';
import { textToImage } from '../testing/sample-workflows.ts';
import { createExecutionList } from './execution-list.ts';
import type { ExecutionGraph } from './execution-list.ts';

function graphOf(workflow: Workflow): ExecutionGraph {
  return {
    node: (id) => workflow[id],
    isOutput: (id) =>
      workflow[id]?.class_type.startsWith('Save') === true || workflow[id]?.class_type === 'PreviewImage',
    isAsync: () => false,
    isLazyInput: (_, input) => input.startsWith('lazy'),
  };
}

function runAll(workflow: Workflow, outputs: readonly string[], cached: readonly string[] = []): string[] {
  const list = createExecutionList(graphOf(workflow), (id) => cached.includes(id));
  for (const id of outputs) list.add(id);
  const order: string[] = [];
  while (!list.isEmpty()) {
    const id = list.pick();
    if (id === undefined) break;
    order.push(id);
    list.complete(id);
  }
  return order;
}

describe('the execution list', () => {
  it('runs text to image in the recorded order', () => {
    expect(runAll(textToImage(), ['9'])).toEqual(['4', '5', '7', '6', '3', '8', '9']);
  });

  it('leaves out what is cached, but runs a cached output', () => {
    expect(runAll(textToImage(), ['9'], ['4', '5', '6', '7'])).toEqual(['3', '8', '9']);
    expect(runAll(textToImage(), ['9'], ['3', '4', '5', '6', '7', '8', '9'])).toEqual(['9']);
  });

  it('runs a preview as soon as it can', () => {
    const workflow: Workflow = {
      '1': { class_type: 'EmptyImage', inputs: {} },
      '2': { class_type: 'ImageInvert', inputs: { image: ['1', 0] } },
      '3': { class_type: 'SaveImage', inputs: { images: ['2', 0] } },
      '4': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
    };
    expect(runAll(workflow, ['3', '4'])).toEqual(['1', '4', '2', '3']);
  });

  it('does not run what only a lazy input names until it is linked', () => {
    const workflow: Workflow = {
      '1': { class_type: 'EmptyImage', inputs: {} },
      '2': { class_type: 'Choice', inputs: { lazy_image: ['1', 0] } },
      '3': { class_type: 'SaveImage', inputs: { images: ['2', 0] } },
    };
    expect(runAll(workflow, ['3'])).toEqual(['2', '3']);
    const list = createExecutionList(graphOf(workflow), () => false);
    list.add('3');
    expect(list.pick()).toBe('2');
    list.addLink('1', '2');
    expect(list.pick()).toBe('1');
  });

  it('picks nothing in a cycle', () => {
    const workflow: Workflow = {
      '1': { class_type: 'ImageInvert', inputs: { image: ['2', 0] } },
      '2': { class_type: 'ImageInvert', inputs: { image: ['1', 0] } },
      '3': { class_type: 'SaveImage', inputs: { images: ['2', 0] } },
    };
    const list = createExecutionList(graphOf(workflow), () => false);
    list.add('3');
    expect(list.pick()).toBeUndefined();
    expect(list.isEmpty()).toBe(false);
  });

  it('runs each needed node once, after all that it needs', () => {
    const sources = fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 15 });
    fc.assert(
      fc.property(sources, (shape) => {
        const workflow: Workflow = Object.fromEntries(
          shape.map((links, index) => [
            String(index),
            {
              class_type: index === shape.length - 1 ? 'SaveImage' : 'Any',
              inputs: Object.fromEntries(
                index === 0 ? [] : links.map((link, at) => [`in${at}`, [String(link % index), 0]]),
              ),
            },
          ]),
        );
        const order = runAll(workflow, [String(shape.length - 1)]);
        expect(new Set(order).size).toBe(order.length);
        expect(order.at(-1)).toBe(String(shape.length - 1));
        const tooEarly = order.filter((id, at) =>
          Object.values(workflow[id]?.inputs ?? {}).some((value) => isLink(value) && order.indexOf(value[0]) >= at),
        );
        expect(tooEarly).toEqual([]);
      }),
      { seed: 3, numRuns: 100 },
    );
  });
});

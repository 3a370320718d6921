import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linksInto } from '../graph/links.ts';
import { toRecord } from '../graph/parse-workflow.ts';
import { recordedRegistry, recordedWorkflows } from '../graph/testing/recorded-registry.ts';
import { findCycle } from '../graph/topology.ts';
import type { Workflow } from '../graph/workflow.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { instantiateRecipe } from '../recipes/instantiate-recipe.ts';
import { listRecipes } from '../recipes/list-recipes.ts';
import { customClasses, installedModels } from '../recipes/testing/installed-models.ts';
import { recipeWorkflows } from '../recipes/testing/recipe-workflows.ts';
import { propertyRuns } from '../testing/property-runs.ts';
import { escapeDynamicPrompt, resolveDynamicPrompt } from './dynamic-prompt.ts';
import { initialValue, nodeWidgets } from './node-widgets.ts';
import { plain, roundTrip } from './testing/round-trip.ts';
import { convertToFrontend } from './to-frontend.ts';

const registry = recordedRegistry('0.8.0', installedModels, customClasses);

function array(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

function object(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

describe('there and back', () => {
  it('keeps every recipe', () => {
    const workflows = recipeWorkflows(registry);
    expect(workflows.length).toBeGreaterThan(20);
    for (const { workflow } of workflows) {
      const { back, expected, dropped } = roundTrip(workflow, registry);
      expect(dropped).toEqual([]);
      expect(back).toEqual(expected);
    }
  });

  it('keeps every recorded prompt, all but what the front end cannot show', () => {
    const different: string[] = [];
    for (const { name, workflow } of recordedWorkflows('0.8.0')) {
      if (findCycle(workflow) !== undefined) continue;
      const { back, expected } = roundTrip(workflow, registry);
      if (!isDeepStrictEqual(plain(back), plain(expected))) different.push(name);
    }
    expect(different).toEqual([]);
  });

  it('drops links to outputs that no class can have', () => {
    const source = { class_type: 'Unknown', inputs: {} };
    const { back } = roundTrip(
      { '1': source, '2': { class_type: 'Other', inputs: { a: ['1', 2 ** 40], b: ['1', 9] } } },
      registry,
    );
    expect(back['2']?.inputs).toEqual({ b: ['1', 9] });
  });

  it('keeps any typed workflow', () => {
    const classes = [...registry.classes.values()].filter((nodeClass) =>
      nodeClass.inputs.every((input) => input.dynamic === undefined || input.dynamic.kind === 'combo'),
    );
    const text = fc.string({ maxLength: 12 }).filter((value) => !/\\/.test(value));
    const node = fc.record({
      nodeClass: fc.constantFrom(...classes),
      texts: fc.array(text, { minLength: 3, maxLength: 3 }),
      numbers: fc.array(fc.oneof(fc.integer(), fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n })), {
        minLength: 3,
        maxLength: 3,
      }),
      sources: fc.array(fc.nat(30), { minLength: 4, maxLength: 4 }),
      linkWidgets: fc.boolean(),
      title: fc.option(text, { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(node, { minLength: 1, maxLength: 10 }), (nodes) => {
        const workflow: Workflow = toRecord(
          nodes.map(({ nodeClass, texts, numbers, sources, linkWidgets, title }, index) => {
            const inputs = new Map<string, Json>();
            let position = 0;
            for (const widget of nodeWidgets(nodeClass, (name) => inputs.get(name))) {
              if (widget.kind !== 'value') continue;
              const { input } = widget;
              position += 1;
              if (input.type === 'STRING') inputs.set(input.name, texts[position % 3] ?? '');
              else if (input.type === 'INT') inputs.set(input.name, numbers[position % 3] ?? 0);
              else inputs.set(input.name, initialValue(input));
            }
            const linked = nodeClass.inputs.filter((input) =>
              linkWidgets ? input.dynamic === undefined : !inputs.has(input.name) && input.dynamic === undefined,
            );
            for (const [slot, input] of linked.slice(0, 4).entries()) {
              const source = (sources[slot] ?? 0) % (index + 1);
              const outputs = nodes[source]?.nodeClass.outputs.length ?? 0;
              if (source < index && outputs > 0) inputs.set(input.name, [`node ${source}`, slot % outputs]);
            }
            return [
              `node ${index}`,
              {
                class_type: nodeClass.name,
                inputs: toRecord(inputs),
                ...(title === undefined ? {} : { _meta: { title } }),
              },
            ] as const;
          }),
        );
        const { back, expected } = roundTrip(workflow, registry);
        expect(back).toEqual(expected);
      }),
      { seed: 9, numRuns: propertyRuns(200) },
    );
  });

  it('lays nodes out in columns without overlaps, sources to the left', () => {
    const recipe = listRecipes().find((candidate) => candidate.id === 'image-to-video-wan');
    if (recipe === undefined) throw new Error('no recipe');
    const { workflow } = instantiateRecipe(recipe, { prompt: 'a', image: 'photo.png' }, registry, () => 0);
    const { workflow: drawn, ids } = convertToFrontend(workflow, registry);
    const boxes = array(drawn['nodes']).map((node) => {
      const [x, y] = array(object(node)['pos']).map(Number);
      const [width, height] = array(object(node)['size']).map(Number);
      return { id: Number(object(node)['id']), x: x ?? 0, y: y ?? 0, width: width ?? 0, height: height ?? 0 };
    });
    for (const a of boxes) {
      for (const b of boxes) {
        const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        expect(a === b || apart).toBe(true);
      }
    }
    const left = new Map(boxes.map((box) => [box.id, box.x]));
    for (const id of Object.keys(workflow)) {
      for (const { from } of linksInto(workflow, id)) {
        expect(left.get(ids.get(from) ?? 0) ?? 0).toBeLessThan(left.get(ids.get(id) ?? 0) ?? 0);
      }
    }
  });
});

describe('dynamic prompts', () => {
  it.each([
    ['a {red|blue} fox', 0, 'a red fox'],
    ['a {red|blue} fox', 0.9, 'a blue fox'],
    ['{a {b|c}|d}', 0.4, 'a b'],
    ['x // y\nz /* w */!', 0, 'x \nz !'],
    ['\\{a\\|b\\} \\(c\\)', 0, '{a|b} \\(c\\)'],
    ['{open|b', 0, 'open'],
    ['a } b | c', 0, 'a } b | c'],
    ['http://x', 0, 'http:'],
  ])('%j with %d becomes %j', (prompt, random, expected) => {
    expect(resolveDynamicPrompt(prompt, () => random)).toBe(expected);
  });

  it('leave alone what is escaped', () => {
    fc.assert(
      fc.property(
        fc.string().filter((value) => !value.includes('\\')),
        fc.constantFrom('{', '}', '|', '//', '/*', '*/'),
        fc.string(),
        (a, sign, b) => {
          const prompt = `${a}${sign}${b.replaceAll('\\', '')}`;
          expect(resolveDynamicPrompt(escapeDynamicPrompt(prompt), () => 0.7)).toBe(prompt);
        },
      ),
      { seed: 10, numRuns: propertyRuns(300) },
    );
  });

  it('longer than any prompt stay as they are', () => {
    const prompt = '{'.repeat(10_000_000);
    expect(resolveDynamicPrompt(prompt, () => 0) === prompt).toBe(true);
  });

  it('end at once with comments that never close', () => {
    const prompt = '/*a'.repeat(100_000);
    expect(resolveDynamicPrompt(prompt, () => 0) === prompt).toBe(true);
  });

  it('lose comments as a pattern would take them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('/', '*', '/*', '*/', '//', 'a', ' ', '\n', '\r'), { maxLength: 15 }),
        (pieces) => {
          const prompt = pieces.join('');
          expect(resolveDynamicPrompt(prompt, () => 0)).toBe(prompt.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''));
        },
      ),
      { seed: 13, numRuns: propertyRuns(500) },
    );
  });

  it('end however deep they are', () => {
    expect(resolveDynamicPrompt('{'.repeat(5_000), () => 0).length).toBeLessThan(5_001);
  });
});

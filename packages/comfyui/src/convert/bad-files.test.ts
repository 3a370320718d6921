import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ComfyError } from '../errors/comfy-error.ts';
import { errorOf } from '../errors/testing/error-of.ts';
import { recordedRegistry } from '../graph/testing/recorded-registry.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { propertyRuns } from '../testing/property-runs.ts';
import { decode, LOADER, node, out, slot } from './testing/frontend-nodes.ts';
import { convertToApi } from './to-api.ts';

const registry = recordedRegistry('0.8.0');

describe('bad files', () => {
  it.each([
    [{ '3': { class_type: 'X', inputs: {} } }, 'malformed', /no list of nodes/],
    [[], 'malformed', /no list of nodes/],
    [{ nodes: [1] }, 'malformed', /not an object/],
    [{ nodes: [{ id: 1 }] }, 'malformed', /without id or type/],
    [{ nodes: [node(1, 'X'), node(1, 'Y')] }, 'malformed', /two nodes with the id 1/],
    [{ nodes: [], definitions: { subgraphs: [1] } }, 'malformed', /no id/],
    [{ nodes: [], extra: { groupNodes: { a: 1 } } }, 'malformed', /group node "a"/],
  ] as [Json, string, RegExp][])('%j is refused', (value, code, message) => {
    let caught: unknown;
    try {
      convertToApi(value, registry);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ComfyError);
    expect(caught).toMatchObject({ code, message: expect.stringMatching(message) as unknown });
  });

  it('links in a circle are refused', () => {
    const reroute = (id: number, from: number): JsonObject =>
      node(id, 'Reroute', { inputs: [slot('', '*', from)], outputs: [out('', '*')] });
    const frontend: Json = {
      nodes: [reroute(1, 2), reroute(2, 1), decode(3, 3, null)],
      links: [
        [1, 1, 0, 2, 0, '*'],
        [2, 2, 0, 1, 0, '*'],
        [3, 1, 0, 3, 0, '*'],
      ],
    };
    expect(() => convertToApi(frontend, registry)).toThrow(/run in a circle/);
  });

  it('endless chains are refused', () => {
    const reroutes = Array.from({ length: 9_000 }, (_, index) =>
      node(index + 2, 'Reroute', { inputs: [slot('', '*', index + 1)], outputs: [out('', '*')] }),
    );
    const links = reroutes.map((_, index): Json => [index + 1, index + 1, 0, index + 2, 0, '*']);
    const frontend: Json = {
      nodes: [{ ...LOADER, id: 1 }, ...reroutes, decode(9_999, 9_001, null)],
      links: [...links, [9_001, 9_001, 0, 9_999, 0, '*']],
    };
    expect(() => convertToApi(frontend, registry)).toThrow(/more than 2000 steps/);
  });

  describe('short files that mean much are read in time or refused', () => {
    const sub = (definition: JsonObject, nodes: JsonObject[]): Json => ({
      nodes,
      links: [],
      definitions: { subgraphs: [{ id: 'aaa', nodes: [], links: [], inputs: [], outputs: [], ...definition }] },
    });
    const many = <T>(count: number, make: (index: number) => T): T[] =>
      Array.from({ length: count }, (_, i) => make(i));

    it('names that look up other nodes', () => {
      const nodes = many(5_000, (id) => node(id, 'SaveImage', { widgets_values: ['%a.b%'.repeat(20)] }));
      const { workflow } = convertToApi({ nodes, links: [] }, registry);
      expect(workflow['4999']?.inputs['filename_prefix']).toBe('%a.b%'.repeat(20));
    });

    it('inputs that share a chain of reroutes', () => {
      const reroutes = many(900, (index) =>
        node(index + 2, 'Reroute', { inputs: [slot('', '*', index + 1)], outputs: [out('', '*')] }),
      );
      const readers = many(5_000, (index) => node(2_000 + index, 'Any', { inputs: [slot('x', '*', 2_000 + index)] }));
      const links = [
        ...reroutes.map((_, index): Json => [index + 1, index + 1, 0, index + 2, 0, '*']),
        ...readers.map((_, index): Json => [2_000 + index, 901, 0, 2_000 + index, 0, '*']),
      ];
      const { workflow } = convertToApi({ nodes: [{ ...LOADER, id: 1 }, ...reroutes, ...readers], links }, registry);
      expect(workflow['6999']?.inputs).toEqual({ x: ['1', 0] });
    });

    it('a subgraph that promotes widgets which nobody has', () => {
      const nodes = many(2_000, (id) => node(id, 'KSampler'));
      const proxyWidgets = many(20_000, (id): Json => [String(id + 1_000_000), 'seed']);
      const outer = { ...node(1, 'aaa'), properties: { proxyWidgets }, widgets_values: [] };
      expect(Object.keys(convertToApi(sub({ nodes }, [outer]), registry).workflow)).toHaveLength(2_000);
    });

    it.each([
      ['inputs', { inputs: many(10_000, (): Json => ({})) }],
      ['links', { links: many(1_000, (id): Json => [id, 1, 0, 2, 0, '*']) }],
    ])('instances of a subgraph with many %s', (_, definition) => {
      const nodes = many(5_000, (id) => node(id, 'aaa'));
      expect(errorOf(() => convertToApi(sub(definition, nodes), registry))).toMatchObject({ code: 'too_large' });
    });
  });

  it('whatever else is in a file, only a ComfyError is thrown', () => {
    const leaf: fc.Arbitrary<Json> = fc.oneof(
      fc.constantFrom<Json>(null, -10, -20, 0, 1, 2, 4, 'aaa', 'Reroute', 'KSampler', '__proto__', '*'),
      fc.jsonValue().map((value) => value as Json),
    );
    const record = (keys: string[]): fc.Arbitrary<Json> =>
      fc
        .array(fc.tuple(fc.constantFrom(...keys), fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }))), { maxLength: 8 })
        .map((entries) => Object.fromEntries(entries));
    const slots = fc.array(record(['name', 'type', 'link', 'widget']), { maxLength: 3 });
    const anyNode = fc
      .tuple(
        record(['title', 'mode', 'properties', 'widgets_values', 'inputs']),
        fc.nat(4),
        fc.constantFrom('KSampler', 'Reroute', 'aaa', 'PrimitiveNode', 'workflow>g', 'X'),
        slots,
      )
      .map(([fields, id, type, inputs]): Json => ({ inputs, ...(fields as JsonObject), id, type }));
    const link = fc.oneof(
      record(['id', 'origin_id', 'origin_slot', 'target_id', 'target_slot']),
      fc.tuple(fc.nat(4), fc.nat(4), fc.nat(2), fc.nat(4), fc.nat(2)).map((value): Json => value),
    );
    const graph = fc.record({
      nodes: fc.uniqueArray(anyNode, { maxLength: 5, selector: (value) => (value as JsonObject)['id'] }),
      links: fc.array(link, { maxLength: 6 }),
    });
    const failures: unknown[] = [];
    let converted = 0;
    fc.assert(
      fc.property(graph, graph, graph, (root, sub, group) => {
        const frontend: Json = {
          ...root,
          definitions: { subgraphs: [{ id: 'aaa', inputs: [], outputs: [{ name: 'x', linkIds: [1] }], ...sub }] },
          extra: { groupNodes: { g: group } },
        };
        try {
          convertToApi(frontend, registry);
          converted += 1;
        } catch (error) {
          if (!(error instanceof ComfyError)) failures.push(frontend, error);
        }
      }),
      { seed: 12, numRuns: propertyRuns(400) },
    );
    expect(failures).toEqual([]);
    expect(converted).toBeGreaterThan(100);
  });

  it('odd values are left aside', () => {
    const frontend: Json = {
      nodes: [
        {
          ...decode(1, 9, null),
          mode: 'x',
          inputs: [null, { name: 'samples', link: 9 }],
          widgets_values: 5,
          properties: null,
        },
      ],
      links: [null, [9], { id: 9 }, [9, 77, 0, 1, 1, '*']],
    };
    expect(convertToApi(frontend, registry).workflow['1']?.inputs).toEqual({});
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { recordedRegistry, recordedWorkflows } from '@atelier/comfyui/graph/testing/recorded-registry';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { checkPolicy } from '@atelier/comfyui/policy/check-policy';
import { hostileWorkflows } from '@atelier/comfyui/policy/testing/hostile-workflows';
import { planWorkflow } from './plan-workflow.ts';
import { catalogWith, createPlanningWorld, testId } from './testing/planning-world.ts';

const registry = recordedRegistry('0.8.0');
const { parts } = createPlanningWorld(catalogWith({}));

function run(workflowText: string) {
  return planWorkflow(testId(1), { kind: 'workflow', workflowText }, parts);
}

test('no hostile workflow becomes a job, and each is refused in words', () => {
  const all = hostileWorkflows().flatMap(({ name, workflow }) => {
    try {
      return [{ name, text: stringifyJson(workflow, { nonFinite: 'literal' }) }];
    } catch {
      // What cannot be written cannot arrive.
      return [];
    }
  });
  expect(all.length).toBeGreaterThan(100);
  const outcomes = all.map(({ name, text }) => ({ name, outcome: run(text) }));
  // Strange keys beside a node's own are left out: what is left of those is harmless, by the gate's own word.
  const harmless = outcomes.flatMap(({ name, outcome }) => (outcome.kind === 'planned' ? [{ name, ...outcome }] : []));
  expect(harmless.filter(({ name }) => !/^(?:node key|meta) /.test(name))).toEqual([]);
  const decisions = harmless.flatMap(({ jobs }) =>
    jobs.map((job) => checkPolicy(registry, parseJson(job.workflowText)).allowed),
  );
  expect(decisions).not.toContain(false);
});

test('a changed workflow is planned or refused in words, and never an error', () => {
  const texts = recordedWorkflows('0.8.0').map(({ workflow }) => stringifyJson(workflow, { nonFinite: 'literal' }));
  expect(texts.length).toBeGreaterThan(10);
  const change = fc.record({
    at: fc.nat(),
    length: fc.nat(12),
    text: fc.constantFrom('', '"', '{', '}', '[', '1e999', 'null', '"3"', ',', 'x'),
  });
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.array(change, { maxLength: 3 }), (text, changes) => {
      const changed = changes.reduce((before, { at, length, text: part }) => {
        const start = at % Math.max(1, before.length);
        return before.slice(0, start) + part + before.slice(start + length);
      }, text);
      const outcome = run(changed);
      const words = outcome.kind === 'failed' ? outcome.error.message : { en: 'planned', zh: 'planned' };
      expect(words.en).not.toBe('');
      expect(words.zh).not.toBe('');
    }),
    { seed: 21, numRuns: 300 },
  );
});

import { applyPolicyRules } from '@atelier/comfyui/policy/apply-policy-rules';
import { defaultPolicy } from '@atelier/comfyui/policy/default-policy';
import { policyViewSchema } from '@atelier/shared/contracts/control';
import { expect, it } from 'vitest';
import { stockedCatalog } from './testing/planning-world.ts';
import { viewPolicy } from './view-policy.ts';

const { registries } = stockedCatalog();
const policy = applyPolicyRules(defaultPolicy, [
  { subject: 'class', name: 'KSampler', decision: 'deny', reason: 'it is Sunday' },
]);
const view = (asked: Partial<Parameters<typeof viewPolicy>[1]>) =>
  policyViewSchema.parse(viewPolicy({ registries, policy }, { limit: 10, ...asked }));

it('tells all packs with how many of their classes are closed', () => {
  const { packs, classes } = view({ limit: 0 });
  expect(classes).toEqual([]);
  const core = packs.find(({ pack }) => pack === 'core');
  expect(core).toMatchObject({ allowed: true });
  expect(core?.denied).toBeGreaterThan(0);
  expect(core?.classes).toBe([...(registries[0]?.classes.values() ?? [])].filter(({ pack }) => pack === 'core').length);
});

it('finds classes by a part of their name, the whole name first', () => {
  const { classes, total } = view({ search: 'ksampler' });
  expect(classes[0]).toMatchObject({ name: 'KSampler', pack: 'core', allowed: false, reason: 'it is Sunday' });
  expect(total).toBeGreaterThan(1);
  expect(view({ search: 'no such class' })).toMatchObject({ classes: [], total: 0 });
});

it('shows what is suspicious in a pack before the rest', () => {
  const { classes, total } = view({ pack: 'core', limit: 5 });
  expect(classes).toHaveLength(5);
  expect(total).toBeGreaterThan(5);
  expect(classes[0]?.suspicions).not.toEqual([]);
});

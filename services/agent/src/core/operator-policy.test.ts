import { applyPolicyRules } from '@atelier/comfyui/policy/apply-policy-rules';
import { defaultPolicy } from '@atelier/comfyui/policy/default-policy';
import { expect, test } from 'vitest';
import { createCatalog } from './catalog.ts';
import { createPlanningWorld, stockedCatalog, testId } from './testing/planning-world.ts';

const open = stockedCatalog();
const closed = createCatalog(
  open.registries,
  open.recipes,
  applyPolicyRules(defaultPolicy, [{ subject: 'class', name: 'KSampler', decision: 'deny', reason: 'it is Sunday' }]),
);

test('a class that operators closed is refused in words, in recipes and in workflows', async () => {
  const wish = { kind: 'imagine', options: { prompt: 'a fox', recipe: 'text-to-image-sdxl' } } as const;
  const { jobs } = await createPlanningWorld(open).make(wish);
  const world = createPlanningWorld(closed);
  await expect(world.plan(wish, { id: testId(2) })).rejects.toMatchObject({
    code: 'forbidden',
    publicMessage: { en: expect.stringContaining('it is Sunday') },
  });
  const run = { kind: 'workflow', workflowText: jobs[0]?.workflowText ?? '' } as const;
  const { code, message } = await world.refusal(run, { id: testId(3) });
  expect([code, message.en]).toEqual(['workflow_not_allowed', expect.stringContaining('it is Sunday')]);
});

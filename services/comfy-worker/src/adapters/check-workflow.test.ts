import { describe, expect, it } from 'vitest';
import { recordedRegistry } from '@atelier/comfyui/graph/testing/recorded-registry';
import { applyPolicyRules } from '@atelier/comfyui/policy/apply-policy-rules';
import { defaultPolicy } from '@atelier/comfyui/policy/default-policy';
import { checkWorkflow } from './check-workflow.ts';

const registry = recordedRegistry('0.8.0');
const input = { name: `atelier_${'a'.repeat(64)}.png`, hash: 'a'.repeat(64), mediaType: 'image/png' };
const picture = (filename_prefix = 'x') => ({
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 255 } },
  '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix } },
});
const check = (workflow: unknown, inputs: (typeof input)[] = [], policy = defaultPolicy) =>
  checkWorkflow(registry, undefined, policy, { workflowText: JSON.stringify(workflow), inputs });

describe('before a job is posted', () => {
  it('what is allowed and fits passes, with inputs and without', () => {
    expect(check(picture())).toBeUndefined();
    const fromInput = { ...picture(), '1': { class_type: 'LoadImage', inputs: { image: input.name } } };
    expect(check(fromInput, [input])).toBeUndefined();
  });

  it('the policy says no to a path, with the node, the cause and what to do', () => {
    const error = check(picture('../../etc/cron.d/x'));
    expect(error).toMatchObject({ code: 'workflow_not_allowed', nodeId: '2' });
    expect(error?.message.en).toMatch(/does not allow.*ask an operator/s);
    expect(error?.message.zh).toContain('不允许');
  });

  it('a file that is not an input of the job is not read', () => {
    const foreign = {
      ...picture(),
      '1': { class_type: 'LoadImage', inputs: { image: `atelier_${'b'.repeat(64)}.png` } },
    };
    expect(check(foreign, [input])).toMatchObject({ code: 'workflow_not_allowed', nodeId: '1' });
  });

  it('what an operator closed since it was planned is closed', () => {
    const closed = applyPolicyRules(defaultPolicy, [
      { subject: 'class', name: 'EmptyImage', decision: 'deny', reason: 'it was too plain' },
    ]);
    expect(check(picture(), [], closed)?.details).toContain('it was too plain');
  });

  it("ComfyUI's own refusal comes in its words", () => {
    const error = check({ ...picture(), '1': { class_type: 'EmptyImage', inputs: { width: 64 } } });
    expect(error?.code).not.toBe('workflow_not_allowed');
    expect(error).toBeDefined();
  });

  it('nothing is known before a registry was read', () => {
    const text = JSON.stringify(picture('../x'));
    expect(checkWorkflow(undefined, undefined, defaultPolicy, { workflowText: text, inputs: [] })).toBeUndefined();
  });
});

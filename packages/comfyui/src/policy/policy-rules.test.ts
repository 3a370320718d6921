import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRegistry } from '../registry/parse-registry.ts';
import { readRecordedObjectInfo } from '../registry/recorded-registry.ts';
import { propertyRuns } from '../testing/property-runs.ts';
import { applyPolicyRules, type PolicyRule } from './apply-policy-rules.ts';
import { checkPolicy } from './check-policy.ts';
import { whyClassDenied } from './class-access.ts';
import { defaultPolicy } from './default-policy.ts';
import { explainPolicy } from './explain-policy.ts';
import { customClasses } from './testing/custom-classes.ts';
import { plainOptions, textToImage } from './testing/sample-workflows.ts';

const text = readRecordedObjectInfo('0.8.0').trimEnd();
const registry = parseRegistry(`${text.slice(0, -1)},${JSON.stringify(customClasses).slice(1)}`);
const why = (name: string, rules: PolicyRule[]): string | undefined => {
  const nodeClass = registry.classes.get(name);
  if (nodeClass === undefined) throw new Error(`there is no ${name}`);
  return whyClassDenied(nodeClass, applyPolicyRules(defaultPolicy, rules));
};
const rule = (subject: 'pack' | 'class', name: string, decision: 'allow' | 'deny', reason?: string): PolicyRule => ({
  subject,
  name,
  decision,
  ...(reason === undefined ? {} : { reason }),
});

describe('what operators decide', () => {
  test('opens a pack, or one class of it', () => {
    expect(why('TrustedStyle', [])).toMatch(/not on the list/);
    expect(why('TrustedStyle', [rule('pack', 'trusted-pack', 'allow')])).toBeUndefined();
    expect(why('TrustedStyle', [rule('class', 'TrustedStyle', 'allow')])).toBeUndefined();
    expect(why('ShellCommand', [rule('pack', 'trusted-pack', 'allow')])).toMatch(/not on the list/);
  });

  test('opens a class that is closed by default, and closes one that is open', () => {
    expect(why('CheckpointSave', [rule('class', 'CheckpointSave', 'allow')])).toBeUndefined();
    expect(why('KSampler', [rule('class', 'KSampler', 'deny', 'it is Sunday')])).toBe('it is Sunday');
    expect(why('KSampler', [rule('class', 'KSampler', 'deny')])).toMatch(/operator/);
  });

  test('closes a pack whole, whatever names one of its classes', () => {
    const rules = [rule('pack', 'trusted-pack', 'deny'), rule('class', 'TrustedStyle', 'allow')];
    expect(why('TrustedStyle', rules)).toMatch(/closed by an operator/);
    expect(why('TrustedStyle', [...rules, rule('pack', 'trusted-pack', 'allow')])).toBeUndefined();
  });

  test('never opens an input that names an address, nor lifts a limit', () => {
    const policy = applyPolicyRules(defaultPolicy, [rule('pack', 'web-tools', 'allow')]);
    const workflow = {
      '1': { class_type: 'LoadImageFromUrl', inputs: { url: 'http://169.254.169.254/' } },
      '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
    };
    expect(checkPolicy(registry, workflow, policy)).toMatchObject({ allowed: false });
    expect(policy.limits).toEqual(defaultPolicy.limits);
  });

  test('counts in every workflow', () => {
    const workflow = textToImage(plainOptions);
    expect(checkPolicy(registry, workflow, applyPolicyRules(defaultPolicy, []))).toEqual({ allowed: true });
    const classes = Object.values(workflow).map((node) => node.class_type);
    fc.assert(
      fc.property(fc.constantFrom(...classes), (name) => {
        const policy = applyPolicyRules(defaultPolicy, [rule('class', name, 'deny')]);
        expect(checkPolicy(registry, workflow, policy).allowed).toBe(false);
      }),
      { numRuns: Math.min(propertyRuns(20), 50), seed: 8 },
    );
  });
});

describe('what is told about each class', () => {
  const packs = explainPolicy([registry, registry], defaultPolicy);
  const classOf = (name: string) => packs.flatMap(({ classes }) => classes).find((one) => one.name === name);

  test('is by pack, ComfyUI’s own first, each class once', () => {
    expect(packs[0]).toMatchObject({ pack: 'core', allowed: true });
    const names = packs.flatMap(({ classes }) => classes.map(({ name }) => name));
    expect(names).toHaveLength(registry.classes.size);
    expect(new Set(names).size).toBe(names.length);
    expect(packs.find(({ pack }) => pack === 'trusted-pack')).toMatchObject({ allowed: false, suspicious: true });
  });

  test('is what makes it suspicious', () => {
    expect(classOf('KSampler')).toEqual({
      name: 'KSampler',
      displayName: 'KSampler',
      allowed: true,
      suspicions: [],
      inputs: [],
    });
    expect(classOf('TrustedStyle')).toMatchObject({
      suspicions: ['custom_pack', 'file_input', 'address_input'],
      inputs: ['image_path', 'filename', 'source_url', 'api_key'],
    });
    expect(classOf('CloudDraw')?.suspicions).toContain('api_node');
    expect(classOf('CheckpointSave')).toMatchObject({
      allowed: false,
      reason: 'it writes model files to the server',
      suspicions: ['denied_by_default'],
    });
  });
});

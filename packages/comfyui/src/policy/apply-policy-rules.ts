import type { Policy } from './policy.ts';

/** What an operator decided about a pack or a class. Plain data, so that it can be stored and shown. */
export interface PolicyRule {
  subject: 'pack' | 'class';
  /** Of the pack, as `NodeClass.pack` has it, or of the class. */
  name: string;
  decision: 'allow' | 'deny';
  /** Why, for people: "it fetches addresses". */
  reason?: string;
}

const byOperator = 'an operator closed it';

/**
 * A policy with an operator's decisions on top. A denied pack is closed whole, also to classes that are allowed by name; a
 * denied class is closed in any pack; an allowed class is open in every pack that is not denied. Limits, and what inputs
 * may hold, stay as they are.
 *
 * @param rules the last one about a subject counts.
 */
export function applyPolicyRules(base: Policy, rules: readonly PolicyRule[]): Policy {
  const packs = new Set(base.packs);
  const deniedPacks = new Set(base.deniedPacks);
  const allowedClasses = new Set(base.allowedClasses);
  const deniedClasses = new Map(base.deniedClasses);
  for (const { subject, name, decision, reason } of rules) {
    const isAllowed = decision === 'allow';
    if (subject === 'pack') {
      packs[isAllowed ? 'add' : 'delete'](name);
      deniedPacks[isAllowed ? 'delete' : 'add'](name);
    } else if (isAllowed) {
      allowedClasses.add(name);
      deniedClasses.delete(name);
    } else {
      allowedClasses.delete(name);
      deniedClasses.set(name, reason === undefined || reason === '' ? byOperator : reason);
    }
  }
  return {
    ...base,
    packs: [...packs],
    deniedPacks: [...deniedPacks],
    allowedClasses: [...allowedClasses],
    deniedClasses,
  };
}

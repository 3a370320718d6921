import type { Logger } from 'pino';
import { applyPolicyRules } from '@atelier/comfyui/policy/apply-policy-rules';
import { defaultPolicy } from '@atelier/comfyui/policy/default-policy';
import type { Policy } from '@atelier/comfyui/policy/policy';
import type { StoredPolicyRule } from '@atelier/shared/db/gateway/policy-rules';
import { createRecentValue, type RecentValue } from '../state/recent-value.ts';

/** The policy as operators have set it. */
export type PolicySource = RecentValue<Policy>;

export function createPolicySource(options: {
  readRules: () => Promise<readonly StoredPolicyRule[]>;
  log: Logger;
}): PolicySource {
  return createRecentValue({
    what: 'the policy',
    read: async () => applyPolicyRules(defaultPolicy, await options.readRules()),
    log: options.log,
  });
}

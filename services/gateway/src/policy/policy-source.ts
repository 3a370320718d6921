import type { Logger } from 'pino';
import { applyPolicyRules } from '@atelier/comfyui/policy/apply-policy-rules';
import { defaultPolicy } from '@atelier/comfyui/policy/default-policy';
import type { Policy } from '@atelier/comfyui/policy/policy';
import type { StoredPolicyRule } from '@atelier/shared/db/gateway/policy-rules';

/** The policy as operators have set it. */
export interface PolicySource {
  /** At most a few seconds old; the last known one while the rules cannot be read. @throws AppError before the first reading. */
  current(): Promise<Policy>;
  /** The rules were changed here: read them at once. */
  renew(): void;
}

/** Older than this it is read again; older than the second, before anything is answered. */
const freshMs = 2_000;
const staleMs = 6_000;

export function createPolicySource(options: {
  readRules: () => Promise<readonly StoredPolicyRule[]>;
  log: Logger;
}): PolicySource {
  let known: Policy | undefined;
  let readAt = -Infinity;
  let reading: Promise<Policy> | undefined;

  async function read(): Promise<Policy> {
    const startedAt = performance.now();
    known = applyPolicyRules(defaultPolicy, await options.readRules());
    readAt = startedAt;
    return known;
  }

  return {
    async current() {
      const ageMs = performance.now() - readAt;
      if (known !== undefined && ageMs < freshMs) return known;
      reading ??= read().finally(() => (reading = undefined));
      const renewed = reading.catch((error: unknown) => {
        if (known === undefined) throw error;
        options.log.debug({ err: error }, 'the policy cannot be read: the last known one counts');
        return known;
      });
      return known !== undefined && ageMs < staleMs ? known : renewed;
    },
    renew() {
      readAt = -Infinity;
    },
  };
}

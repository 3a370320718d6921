import { z } from 'zod';
import { explainPolicy } from '@atelier/comfyui/policy/explain-policy';
import { policyRuleSchema, readPolicyRules, replacePolicyRules } from '@atelier/shared/db/gateway/policy-rules';
import { principalOf, problems, type GatewayServer } from '../adapters/http/gateway-server.ts';
import type { NodeSource } from '../adapters/registry/node-source.ts';
import type { GatewayParts } from '../ports.ts';
import type { PolicySource } from './policy-source.ts';

const maxRules = 5_000;

const ruleSchema = policyRuleSchema.meta({ id: 'PolicyRule' });
const classSchema = z.object({
  name: z.string(),
  displayName: z.string(),
  allowed: z.boolean(),
  reason: z.string().optional().describe('Why not'),
  suspicions: z
    .array(z.enum(['custom_pack', 'file_input', 'address_input', 'api_node', 'denied_by_default']))
    .describe('What should make one look twice before it is allowed'),
  inputs: z.array(z.string()).describe('Inputs that name files or addresses'),
});
const policySchema = z
  .object({
    rules: z.array(policyRuleSchema.extend({ decidedBy: z.string(), decidedAt: z.iso.datetime() })),
    packs: z.array(
      z.object({
        pack: z.string().describe('`core`, `api`, or the folder of a custom pack'),
        allowed: z.boolean(),
        suspicious: z.boolean(),
        classes: z.array(classSchema),
      }),
    ),
  })
  .meta({ id: 'Policy' });

/** Which node classes workflows may use: what the servers have, what is decided about each, and why. */
export function registerPolicyRoutes(
  server: GatewayServer,
  deps: { parts: Pick<GatewayParts, 'db'>; nodes: NodeSource; policy: PolicySource },
): void {
  const { parts, nodes, policy } = deps;

  async function answer(pack: string | undefined): Promise<z.infer<typeof policySchema>> {
    const [rules, registries, current] = await Promise.all([
      readPolicyRules(parts.db),
      nodes.registries(),
      policy.current(),
    ]);
    const packs = explainPolicy(registries, current);
    return {
      rules: rules.map((rule) => ({ ...rule, decidedAt: rule.decidedAt.toISOString() })),
      packs: pack === undefined ? packs : packs.filter((one) => one.pack === pack),
    };
  }

  const query = z.object({ pack: z.string().max(200).optional().describe('Only this pack') });

  server.get(
    '/api/v1/policy',
    {
      config: { scope: 'admin' },
      schema: {
        tags: ['admin'],
        summary: 'Which node classes workflows may use, by pack, with the reason and what is suspicious about each',
        querystring: query,
        response: { 200: policySchema, ...problems() },
      },
    },
    async (request) => answer(request.query.pack),
  );

  server.put(
    '/api/v1/policy',
    {
      config: { scope: 'admin' },
      schema: {
        tags: ['admin'],
        summary:
          'Decide about packs and classes: these rules take the place of all there were; services follow within seconds',
        querystring: query,
        body: z.strictObject({ rules: z.array(ruleSchema).max(maxRules) }),
        response: { 200: policySchema, ...problems() },
      },
    },
    async (request) => {
      await replacePolicyRules(parts.db, { actor: principalOf(request).personId, rules: request.body.rules });
      policy.renew();
      return answer(request.query.pack);
    },
  );
}

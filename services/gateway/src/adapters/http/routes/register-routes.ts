import type { MetricsSource } from '@atelier/shared/lifecycle/health-server';
import { registerMcpRoutes } from '../../../mcp/register-mcp-routes.ts';
import { registerPolicyRoutes } from '../../../policy/register-policy-routes.ts';
import type { PolicySource } from '../../../policy/policy-source.ts';
import type { GatewayServer } from '../gateway-server.ts';
import { registerAccountRoutes } from './account-routes.ts';
import { registerCatalogRoutes } from './catalog-routes.ts';
import { registerDocsRoutes } from './docs-routes.ts';
import { registerFileRoutes } from './file-routes.ts';
import { registerHealthRoutes } from './health-routes.ts';
import { registerInstanceRoutes } from './instance-routes.ts';
import { registerJobRoutes } from './job-routes.ts';
import { registerQueueRoutes } from './queue-routes.ts';
import type { RouteDeps } from './route-deps.ts';
import { registerSignInRoutes } from './sign-in-routes.ts';
import { registerWebhookRoutes } from './webhook-routes.ts';
import { registerWorkflowRoutes } from './workflow-routes.ts';

/** Every address of the HTTP interface. */
export async function registerRoutes(
  server: GatewayServer,
  deps: RouteDeps & {
    isReady: () => boolean;
    metrics: MetricsSource;
    policy: PolicySource;
    webhooks: Parameters<typeof registerWebhookRoutes>[1]['webhooks'];
  },
): Promise<void> {
  registerHealthRoutes(server, deps);
  registerDocsRoutes(server);
  registerJobRoutes(server, deps);
  registerWorkflowRoutes(server, deps);
  registerQueueRoutes(server, deps);
  registerInstanceRoutes(server, deps);
  registerFileRoutes(server, deps);
  registerCatalogRoutes(server, deps);
  registerWebhookRoutes(server, deps);
  registerAccountRoutes(server, deps);
  await registerSignInRoutes(server, deps);
  registerPolicyRoutes(server, deps);
  await registerMcpRoutes(server, deps);
}

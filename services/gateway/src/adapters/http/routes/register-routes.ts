import type { MetricsSource } from '@atelier/shared/lifecycle/health-server';
import { registerMcpRoutes } from '../../../mcp/register-mcp-routes.ts';
import { registerPolicyRoutes } from '../../../policy/register-policy-routes.ts';
import type { PolicySource } from '../../../policy/policy-source.ts';
import type { GatewayServer } from '../gateway-server.ts';
import { registerAccountRoutes } from './account-routes.ts';
import { registerAssetRoutes } from './asset-routes.ts';
import { registerCatalogRoutes } from './catalog-routes.ts';
import { registerDocsRoutes } from './docs-routes.ts';
import { registerFileRoutes } from './file-routes.ts';
import { registerHealthRoutes } from './health-routes.ts';
import { registerInstanceRoutes } from './instance-routes.ts';
import { registerJobRoutes } from './job-routes.ts';
import { registerQueueRoutes } from './queue-routes.ts';
import { registerRecipeRoutes } from './recipe-routes.ts';
import { registerSignInRoutes } from './sign-in-routes.ts';
import { registerWebhookDeliveryRoutes } from './webhook-delivery-routes.ts';
import { registerWebhookRoutes, type WebhookRouteDeps } from './webhook-routes.ts';
import { registerWorkflowRoutes } from './workflow-routes.ts';

/** Every address of the HTTP interface. */
export async function registerRoutes(
  server: GatewayServer,
  deps: WebhookRouteDeps & { isReady: () => boolean; metrics: MetricsSource; policy: PolicySource },
): Promise<void> {
  registerHealthRoutes(server, deps);
  registerDocsRoutes(server);
  registerJobRoutes(server, deps);
  registerWorkflowRoutes(server, deps);
  registerQueueRoutes(server, deps);
  registerInstanceRoutes(server, deps);
  registerFileRoutes(server, deps);
  registerAssetRoutes(server, deps);
  registerRecipeRoutes(server, deps);
  registerCatalogRoutes(server, deps);
  registerWebhookRoutes(server, deps);
  registerWebhookDeliveryRoutes(server, deps);
  registerAccountRoutes(server, deps);
  await registerSignInRoutes(server, deps);
  registerPolicyRoutes(server, deps);
  await registerMcpRoutes(server, deps);
}

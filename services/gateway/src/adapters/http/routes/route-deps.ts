import type { HttpConfig } from '../../../config.ts';
import type { GatewayParts } from '../../../ports.ts';
import type { QueueWatch } from '../../../state/queue-watch.ts';
import type { JobDesk } from '../../job-desk.ts';
import type { NodeSource } from '../../registry/node-source.ts';

/** What the routes work with. */
export interface RouteDeps {
  parts: GatewayParts;
  config: HttpConfig;
  desk: JobDesk;
  queue: QueueWatch;
  nodes: NodeSource;
  /** Signs links to files. */
  linkKey: string;
  /** Of this gateway, as people reach it; for links. */
  publicUrl: () => string;
}

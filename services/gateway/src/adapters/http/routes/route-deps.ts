import type { HttpConfig } from '../../../config.ts';
import type { GatewayParts } from '../../../ports.ts';
import type { SubmissionRules } from '@atelier/shared/db/chat/submission-rules';
import type { QueueWatch } from '../../../state/queue-watch.ts';
import type { RecentValue } from '../../../state/recent-value.ts';
import type { JobDesk } from '../../job-desk.ts';
import type { NodeSource } from '../../registry/node-source.ts';

/** What the routes work with. */
export interface RouteDeps {
  parts: GatewayParts;
  config: HttpConfig;
  desk: JobDesk;
  queue: QueueWatch;
  nodes: NodeSource;
  rules: RecentValue<SubmissionRules>;
  /** Signs links to files. */
  linkKey: string;
  /** Of this gateway, as people reach it; for links. */
  publicUrl: () => string;
}

import type { Logger } from 'pino';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { Bus } from '@atelier/shared/bus/bus';
import type { Database } from '@atelier/shared/db/connect-database';
import type { OutboxRow } from '@atelier/shared/db/outbox-row';
import type { ServiceMetrics } from '@atelier/shared/metrics/service-metrics';

/** What every part of the gateway may use. */
export interface GatewayParts {
  db: Database;
  files: AssetStore;
  log: Logger;
  metrics: ServiceMetrics;
  /** Publishes what a commit returned, at once. */
  nudge: (rows: readonly OutboxRow[]) => void;
  /** NATS, once it was reached. @throws AppError `unavailable` before. */
  bus: () => Bus;
  /** Milliseconds since 1970. */
  now: () => number;
  randomId: () => string;
}

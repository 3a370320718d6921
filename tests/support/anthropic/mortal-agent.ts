/*
 * An agent as a process of its own that dies, by SIGKILL, at the first step boundary that nobody died at before.
 * Started by `agent-kill.int.test.ts`, which says by the environment where it may live on.
 */
import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { z } from 'zod';
import { createAgentApp } from '@atelier/agent/app';
import { readRecordedObjectInfo } from '@atelier/comfyui/registry/recorded-registry';
import { connectBus } from '@atelier/shared/bus/connect-bus';
import { createDatabase } from '@atelier/shared/db/connect-database';
import { AppError } from '@atelier/shared/errors/app-error';
import { createLogger } from '@atelier/shared/log/create-logger';
import { scriptedModel } from './agent-conversation.ts';

const env = z
  .object({
    DATABASE_URL: z.string(),
    NATS_URL: z.string(),
    NATS_PREFIX: z.string(),
    CLAUDE_URL: z.string(),
    /** Boundaries at which a process died already, as a JSON list. */
    SURVIVED: z.string(),
  })
  .parse(process.env);
const survived = new Set(z.array(z.string()).parse(JSON.parse(env.SURVIVED)));
const log = createLogger('agent', 'silent');

const db = createDatabase({ url: env.DATABASE_URL, poolSize: 4, applicationName: 'mortal agent', log });
const bus = await connectBus({ url: env.NATS_URL, prefix: env.NATS_PREFIX, service: 'agent', log });
const app = createAgentApp({
  db,
  bus,
  log,
  concurrency: 4,
  leaseMs: 800,
  sweepMs: 50,
  catalogPollMs: 200,
  readAssetText: () => Promise.resolve(readRecordedObjectInfo('0.8.0')),
  files: { has: () => Promise.resolve(true), read: () => Promise.reject(new AppError('not_found', 'no such file')) },
  loadImage: () => Promise.resolve(undefined),
  model: {
    ...scriptedModel({ url: env.CLAUDE_URL }, { ATELIER_PLAN_APPROVAL: 'never' }),
    boundary(name) {
      if (survived.has(name)) return Promise.resolve();
      // Written at once: nothing is sent after the end.
      writeSync(1, `${JSON.stringify(name)}\n`);
      process.kill(process.pid, 'SIGKILL');
      return new Promise(() => {});
    },
  },
});
await app.start();
// A process that is killed writes nothing when it ends.
flushCompileCache();

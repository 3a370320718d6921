import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createComfyClient } from '@atelier/comfyui/client/comfy-client';
import { createComfySocket } from '@atelier/comfyui/client/comfy-socket';
import { defaultPickRules } from '@atelier/queue/pick-job';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { Bus } from '@atelier/shared/bus/bus';
import type { LiveWorkerStatus } from '@atelier/shared/contracts/live';
import type { Database } from '@atelier/shared/db/connect-database';
import {
  acquireInstance,
  releaseInstance,
  renewInstance,
  setInstancePaused,
} from '@atelier/shared/db/instances/instance-store';
import { AppError } from '@atelier/shared/errors/app-error';
import type { OutboxRelay } from '@atelier/shared/db/outbox-relay';
import type { RunningService } from '@atelier/shared/lifecycle/run-service';
import type { Logger } from '@atelier/shared/log/create-logger';
import { createComfyLink } from './adapters/comfy-link.ts';
import { createJobStore } from './adapters/job-store.ts';
import { createOutputStore } from './adapters/output-store.ts';
import { createPreviewScaler } from './adapters/preview-scaler.ts';
import { uploadInputs } from './adapters/upload-inputs.ts';
import type { WorkerConfig } from './config.ts';
import { createCancelBoard } from './core/cancel-board.ts';
import { takeTenure, type Tenure } from './core/lease-keeper.ts';
import { createJobReporter } from './core/report-progress.ts';
import { createWakeBell } from './core/wake-bell.ts';
import { workLoop } from './core/work-loop.ts';
import type { Clock } from './ports.ts';

export interface WorkerDeps {
  config: WorkerConfig;
  db: Database;
  bus: Bus;
  relay: OutboxRelay;
  assets: AssetStore;
  log: Logger;
}

const clock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

/**
 * The worker of one ComfyUI: holds its instance lease, runs its jobs one at a time, and again from the start whenever the
 * lease was lost.
 */
export function createWorkerApp(deps: WorkerDeps): { start(): RunningService } {
  const { config, db, bus, relay, assets, log } = deps;
  const { timings, instanceId } = config;
  const holder = randomUUID();
  const store = createJobStore(db, relay);
  const bell = createWakeBell();
  const cancels = createCancelBoard();
  const scalePreview = createPreviewScaler();
  const stopping = new AbortController();
  const draining = new AbortController();
  let paused = false;
  let runningJobId: string | undefined;
  let state: LiveWorkerStatus['state'] = 'starting';

  const leaseStore = {
    acquire: () => acquireInstance(db, { instanceId, holder, leaseMs: timings.leaseMs, newClientId: randomUUID() }),
    renew: (lease: Parameters<typeof renewInstance>[1]) => renewInstance(db, lease, timings.leaseMs),
  };

  async function serve(): Promise<void> {
    let waitedFor = '';
    while (!draining.signal.aborted) {
      let tenure: Tenure;
      try {
        tenure = await takeTenure(
          {
            store: leaseStore,
            clock,
            leaseMs: timings.leaseMs,
            beatMs: timings.beatMs,
            acquireMs: timings.acquireMs,
            onBeat(beat) {
              if (paused && !beat.paused) bell.ring();
              paused = beat.paused;
              for (const jobId of beat.cancelledJobIds) cancels.request(jobId);
            },
            onWait(reason, error) {
              if (reason !== waitedFor) log.info({ reason, err: error }, 'waiting for the instance lease');
              waitedFor = reason;
            },
          },
          AbortSignal.any([stopping.signal, draining.signal]),
        );
      } catch (error) {
        if (draining.signal.aborted) return;
        throw error;
      }
      waitedFor = '';
      paused = tenure.instance.paused;
      log.info({ instance: instanceId, epoch: tenure.instance.epoch }, 'holding the instance lease');
      try {
        await serveTenure(tenure);
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
        log.warn({ err: error }, 'Postgres went away at a bad moment; starting over under a new lease');
        await clock.sleep(timings.retryMs);
      } finally {
        tenure.end();
      }
      if (tenure.signal.aborted) log.warn({ instance: instanceId }, 'the instance lease was lost; asking for it again');
      else
        await releaseInstance(db, tenure.instance).catch((error: unknown) => log.debug({ err: error }, 'not released'));
    }
  }

  async function serveTenure(tenure: Tenure): Promise<void> {
    const client = createComfyClient({
      baseUrl: config.comfyuiUrl,
      clientId: tenure.instance.clientId,
      postTimeoutMs: timings.postTimeoutMs,
    });
    const socket = createComfySocket({ baseUrl: config.comfyuiUrl, clientId: tenure.instance.clientId });
    const link = createComfyLink({
      client,
      socket,
      assets,
      log,
      everyMs: timings.statusMs,
      publishRegistry: (registry) => store.report(tenure.instance, { registry }),
      onChange: () => bell.ring(),
    });
    const ended = new AbortController();
    const until = AbortSignal.any([tenure.signal, stopping.signal, ended.signal]);
    socket.start();
    const watching = link.run(until);
    const reporting = reportStatus(tenure, link, until);
    try {
      await workLoop(
        {
          store,
          client,
          socket,
          outputs: createOutputStore(client, assets, config.assets.ASSETS_MAX_BYTES),
          uploadInputs: (job, signal) => uploadInputs(client, assets, job, signal),
          reporter: (job) =>
            createJobReporter({
              jobId: job.id,
              requestId: job.requestId,
              publishProgress: (progress) =>
                bus.publishLive('liveProgress', { jobId: job.id }, progress, job.requestId),
              publishPreview: (preview) => bus.publishLive('livePreview', { jobId: job.id }, preview, job.requestId),
              scalePreview,
              now: () => performance.now(),
            }),
          tenure: { ...tenure, signal: AbortSignal.any([tenure.signal, stopping.signal]) },
          timings,
          log,
          rules: defaultPickRules,
          classes: () => link.classes,
          available: () => link.available,
          paused: () => paused,
          bell,
          cancelSignal: (jobId) => cancels.signalOf(jobId),
          onJob(job) {
            if (job === undefined && runningJobId !== undefined) cancels.forget(runningJobId);
            runningJobId = job?.id;
          },
        },
        draining.signal,
      );
    } catch (error) {
      if (!tenure.signal.aborted && !stopping.signal.aborted) throw error;
    } finally {
      ended.abort();
      await socket.close();
      await Promise.allSettled([watching, reporting]);
    }
  }

  function currentState(available: boolean): LiveWorkerStatus['state'] {
    if (draining.signal.aborted) return 'draining';
    if (!available) return 'waiting_for_comfyui';
    if (paused) return 'paused';
    return runningJobId === undefined ? 'idle' : 'busy';
  }

  async function reportStatus(
    tenure: Tenure,
    link: { available: boolean; status(): Partial<LiveWorkerStatus> },
    signal: AbortSignal,
  ): Promise<void> {
    let stored = '';
    while (!signal.aborted) {
      state = currentState(link.available);
      const status: LiveWorkerStatus = {
        foreignPrompts: 0,
        ...link.status(),
        instanceId,
        state,
        ...(runningJobId === undefined ? {} : { runningJobId }),
      };
      bus.publishLive('liveWorkerStatus', { instanceId: instanceToken(instanceId) }, status, tenure.instance.holder);
      const kept = JSON.stringify({ ...status, vramFree: undefined, runningJobId: undefined });
      if (kept !== stored) {
        stored = kept;
        await store.report(tenure.instance, { status }).catch(() => (stored = ''));
      }
      await sleep(timings.statusMs, undefined, { signal }).catch(() => {});
    }
  }

  async function sweep(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sleep(timings.sweepMs, undefined, { signal: stopping.signal }).catch(() => {});
      try {
        await store.sweep(timings.strandedAfterMs);
      } catch (error) {
        log.debug({ err: error }, 'the sweep could not be made; again soon');
      }
    }
  }

  return {
    start() {
      relay.start();
      const subscriptions = [
        bus.subscribeDoorbell('jobChanged', { state: 'queued' }, () => bell.ring()),
        bus.subscribeLive('cancelWake', {}, ({ jobIds }) => {
          for (const jobId of jobIds) cancels.request(jobId);
        }),
        bus.answer('workerCommand', { instanceId: instanceToken(instanceId) }, async ({ command }) => {
          if (command === 'free_memory') {
            const client = createComfyClient({ baseUrl: config.comfyuiUrl, clientId: holder });
            await client.free({ unloadModels: true, freeMemory: true });
          } else {
            await setInstancePaused(db, instanceId, command === 'pause');
            paused = command === 'pause';
            bell.ring();
          }
          return { ok: true as const };
        }),
      ];
      const offReconnect = bus.onReconnect(() => bell.ring());
      const serving = serve();
      const sweeping = sweep();
      return {
        running: serving,
        async stop() {
          draining.abort();
          bell.ring();
          const late = sleep(timings.drainMs, 'late' as const, { ref: false });
          if ((await Promise.race([serving.catch(() => {}), late])) === 'late') {
            log.warn('what still runs stays in ComfyUI; the next worker adopts it');
          }
          stopping.abort(new Error('the worker stops'));
          await Promise.allSettled([serving, sweeping]);
          offReconnect();
          await Promise.allSettled(subscriptions.map((subscription) => subscription.stop()));
        },
      };
    },
  };
}

/** An instance's id as one NATS token. */
function instanceToken(instanceId: string): string {
  return instanceId.replaceAll('.', '_');
}

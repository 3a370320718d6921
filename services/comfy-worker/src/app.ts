import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createComfyClient } from '@atelier/comfyui/client/comfy-client';
import { createComfySocket } from '@atelier/comfyui/client/comfy-socket';
import { applyPolicyRules } from '@atelier/comfyui/policy/apply-policy-rules';
import { defaultPolicy } from '@atelier/comfyui/policy/default-policy';
import { defaultPickRules } from '@atelier/queue/pick-job';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { Bus } from '@atelier/shared/bus/bus';
import { instanceToken } from '@atelier/shared/contracts/subjects';
import type { LiveWorkerStatus } from '@atelier/shared/contracts/live';
import type { JobRecord } from '@atelier/shared/db/jobs/job-row';
import type { Database } from '@atelier/shared/db/connect-database';
import { readPolicyRules } from '@atelier/shared/db/gateway/policy-rules';
import {
  acquireInstance,
  releaseInstance,
  renewInstance,
  setInstancePaused,
} from '@atelier/shared/db/instances/instance-store';
import { AppError } from '@atelier/shared/errors/app-error';
import { readInstanceHistory } from '@atelier/shared/db/operators/instance-status';
import type { OutboxRelay } from '@atelier/shared/db/outbox-relay';
import type { RunningService } from '@atelier/shared/lifecycle/run-service';
import type { Logger } from '@atelier/shared/log/create-logger';
import { checkWorkflow } from './adapters/check-workflow.ts';
import { createComfyLink, type ComfyLink } from './adapters/comfy-link.ts';
import { createComfySupervisor } from './adapters/comfy-supervisor.ts';
import { createJobStore } from './adapters/job-store.ts';
import { createOutputStore } from './adapters/output-store.ts';
import { createPreviewScaler } from './adapters/preview-scaler.ts';
import { reportStatus } from './adapters/status-reporter.ts';
import { uploadInputs } from './adapters/upload-inputs.ts';
import type { WorkerConfig } from './config.ts';
import { createCancelBoard } from './core/cancel-board.ts';
import { takeTenure, type Tenure } from './core/lease-keeper.ts';
import { createPromptLine, type PromptLine } from './core/prompt-line.ts';
import { createJobReporter, type JobReporter } from './core/report-progress.ts';
import { defaultRestartRules } from './core/restart-policy.ts';
import { createStepRate } from './core/step-rate.ts';
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
  const store = createJobStore(db, relay, log);
  const bell = createWakeBell();
  const cancels = createCancelBoard();
  const scalePreview = createPreviewScaler();
  const stepRate = createStepRate();
  const stopping = new AbortController();
  const draining = new AbortController();
  let policy = defaultPolicy;
  let paused = false;
  let hasNews = false;
  let freeMemory: (() => Promise<void>) | undefined;
  const supervisor =
    config.comfyuiCommand === undefined
      ? undefined
      : createComfySupervisor({
          command: config.comfyuiCommand,
          logPath: join(tmpdir(), `atelier-comfyui-${instanceToken(instanceId)}.log`),
          rules: defaultRestartRules,
          endMs: timings.drainMs,
          log,
        });

  /** Something outside of the line changed. */
  function tellNews(): void {
    hasNews = true;
    bell.ring();
  }

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
              if (paused !== beat.paused) tellNews();
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

  /** What operators allow may have changed since a job was planned. */
  async function readPolicy(): Promise<void> {
    policy = applyPolicyRules(defaultPolicy, await readPolicyRules(db));
  }

  async function serveTenure(tenure: Tenure): Promise<void> {
    await readPolicy();
    const client = createComfyClient({
      baseUrl: config.comfyuiUrl,
      clientId: tenure.instance.clientId,
      postTimeoutMs: timings.postTimeoutMs,
    });
    const socket = createComfySocket({ baseUrl: config.comfyuiUrl, clientId: tenure.instance.clientId });
    const line = createPromptLine({
      depth: config.depth,
      prepareAheadMs: timings.prepareAheadMs,
      postAheadMs: timings.postAheadMs,
      now: clock.now,
      onChange: () => bell.ring(),
    });
    const memoryLost = (): void => {
      store.forgetResident(tenure.instance).catch((error: unknown) => log.debug({ err: error }, 'not written down'));
    };
    const link = createComfyLink({
      client,
      socket,
      assets,
      log,
      everyMs: timings.statusMs,
      publishRegistry: (registry) => store.report(tenure.instance, { registry }),
      onChange(available) {
        if (!available) memoryLost();
        tellNews();
      },
      onLook: (answers) => supervisor?.looked(answers),
      onForeign: memoryLost,
    });
    const ended = new AbortController();
    const until = AbortSignal.any([tenure.signal, stopping.signal, ended.signal]);
    freeMemory = async () => {
      await client.free({ unloadModels: true, freeMemory: true });
      memoryLost();
    };
    let wasOpen = false;
    const unwatch = socket.subscribe({
      onState(state) {
        // A ComfyUI that was restarted between two looks shows only here.
        if (state === 'open' && wasOpen) memoryLost();
        wasOpen ||= state === 'open';
      },
    });
    socket.start();
    const watching = link.run(until);
    const reporting = reportStatus(
      {
        everyMs: timings.statusMs,
        status: () => statusOf(line, link),
        readHistory: () => readInstanceHistory(db, instanceId),
        publish: (status) =>
          bus.publishLive('liveWorkerStatus', { instanceId: instanceToken(instanceId) }, status, holder),
        store: (status) => store.report(tenure.instance, { status }),
      },
      until,
    );
    try {
      await workLoop(
        {
          store,
          client,
          socket,
          line,
          outputs: createOutputStore(client, assets, config.assets.ASSETS_MAX_BYTES),
          tempOutputs: config.tempOutputs,
          maxRunSeconds: config.maxRunSeconds,
          uploadInputs: (job, signal) => uploadInputs(client, assets, job, signal),
          checkWorkflow: (job) => checkWorkflow(link.registry, link.status().comfyuiVersion, policy, job),
          reporter: (job) => reporterOf(job),
          tenure: { ...tenure, signal: AbortSignal.any([tenure.signal, stopping.signal]) },
          timings,
          log,
          rules: { ...defaultPickRules, ...config.running },
          classes: () => link.classes,
          models: () => link.models,
          available: () => link.available,
          paused: () => paused,
          takeNews() {
            const had = hasNews;
            hasNews = false;
            return had;
          },
          bell,
          cancelSignal: (jobId) => cancels.signalOf(jobId),
          onJobEnded: (jobId) => cancels.forget(jobId),
          onMemoryLost: memoryLost,
          onExecutorStuck(stuck) {
            if (stuck) supervisor?.restart();
          },
        },
        draining.signal,
      );
    } catch (error) {
      if (!tenure.signal.aborted && !stopping.signal.aborted) throw error;
    } finally {
      ended.abort();
      freeMemory = undefined;
      unwatch();
      await socket.close();
      await Promise.allSettled([watching, reporting]);
    }
  }

  function reporterOf(job: JobRecord): JobReporter {
    const { id: jobId, requestId } = job;
    return createJobReporter({
      jobId,
      requestId,
      publishProgress(progress) {
        stepRate.take(progress);
        bus.publishLive('liveProgress', { jobId }, progress, requestId);
      },
      publishPreview: (preview) => bus.publishLive('livePreview', { jobId }, preview, requestId),
      scalePreview,
      now: clock.now,
    });
  }

  function statusOf(line: PromptLine, link: ComfyLink): LiveWorkerStatus {
    const runningJobId = line.open()[0]?.jobId;
    const stepsPerSecond = runningJobId === undefined ? undefined : stepRate.of(runningJobId);
    const state = (): LiveWorkerStatus['state'] => {
      if (draining.signal.aborted) return 'draining';
      if (!link.available) return 'waiting_for_comfyui';
      if (paused) return 'paused';
      return runningJobId === undefined ? 'idle' : 'busy';
    };
    return {
      foreignPrompts: 0,
      ...link.status(),
      instanceId,
      state: state(),
      ...(runningJobId === undefined ? {} : { runningJobId }),
      ...(stepsPerSecond === undefined ? {} : { stepsPerSecond }),
    };
  }

  async function sweep(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sleep(timings.sweepMs, undefined, { signal: stopping.signal }).catch(() => {});
      try {
        await store.sweep(timings.strandedAfterMs);
        await readPolicy();
      } catch (error) {
        log.debug({ err: error }, 'the sweep could not be made; again soon');
      }
    }
  }

  return {
    start() {
      relay.start();
      const subscriptions = [
        bus.subscribeDoorbell('jobChanged', { state: 'queued' }, tellNews),
        bus.subscribeLive('cancelWake', {}, ({ jobIds }) => {
          for (const jobId of jobIds) cancels.request(jobId);
        }),
        bus.answer('workerCommand', { instanceId: instanceToken(instanceId) }, async ({ command }) => {
          if (command === 'free_memory') {
            const standingBy = createComfyClient({ baseUrl: config.comfyuiUrl, clientId: holder });
            await (freeMemory?.() ?? standingBy.free({ unloadModels: true, freeMemory: true }));
          } else {
            await setInstancePaused(db, instanceId, command === 'pause');
            paused = command === 'pause';
            tellNews();
          }
          return { ok: true as const };
        }),
      ];
      const offReconnect = bus.onReconnect(tellNews);
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
          await supervisor?.stop();
          offReconnect();
          await Promise.allSettled(subscriptions.map((subscription) => subscription.stop()));
        },
      };
    },
  };
}

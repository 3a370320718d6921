import { recordedRegistry } from '@atelier/comfyui/graph/testing/recorded-registry';
import { listRecipes } from '@atelier/comfyui/recipes/list-recipes';
import { customClasses, installedModels } from '@atelier/comfyui/recipes/testing/installed-models';
import { newJobSchema, type JobOutput } from '@atelier/shared/contracts/job';
import { planSummarySchema, type RequestBody } from '@atelier/shared/contracts/request';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import { finishedJob, requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import type { SavedWorkflow } from '@atelier/shared/db/workflows/saved-workflow';
import { createCatalog, type Catalog } from '../catalog.ts';
import { planRequest } from '../plan-request.ts';
import type { PlanFailure, PlanningParts, PlanOutcome } from '../planning-parts.ts';
import { createOfflineWordsPlanner } from '../read-words-offline.ts';

export const ada = '7f4d7c1e-30a5-4c6b-8a39-111111111111';
export const bob = '7f4d7c1e-30a5-4c6b-8a39-222222222222';

type Planned = Extract<PlanOutcome, { kind: 'planned' }>;

/** A UUID with a number in it. */
export function testId(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

/** A request of Ada's that an agent has claimed. */
export function requestOf(body: RequestBody, changes: Partial<RequestRecord> = {}): RequestRecord {
  return requestRecord({
    id: testId(1),
    personId: ada,
    personName: 'Ada',
    place: { door: 'web', id: 'ada' },
    body,
    state: 'planning',
    agentEpoch: 1,
    ...changes,
  });
}

/** A server with these model files besides ComfyUI's own nodes; `packs` for the node packs that some recipes need. */
export function catalogWith(files: Readonly<Record<string, readonly string[]>>, packs = false): Catalog {
  return createCatalog([recordedRegistry('0.8.0', files, packs ? customClasses : {})], listRecipes());
}

/** A server with every model and node pack that a recipe needs. */
export function stockedCatalog(): Catalog {
  return catalogWith({ ...installedModels, 'LoraLoader.lora_name': ['sdxl/charcoal_v2.safetensors'] }, true);
}

/** Requests that were made before, and what else planning looks up. */
export interface PlanningWorld {
  parts: PlanningParts;
  files: Map<string, Uint8Array>;
  workflows: SavedWorkflow[];
  /** Plans and, where it became jobs, keeps it with one finished output for each picture. */
  make(body: RequestBody, changes?: Partial<RequestRecord>): Promise<Planned>;
  plan(body: RequestBody, changes?: Partial<RequestRecord>): Promise<PlanOutcome>;
  /** Plans what must fail, and gives its sentence. */
  refusal(body: RequestBody, changes?: Partial<RequestRecord>): Promise<PlanFailure['error']>;
}

export function createPlanningWorld(catalog: Catalog, more: Partial<PlanningParts> = {}): PlanningWorld {
  const requests = new Map<string, RequestRecord>();
  const jobs = new Map<string, JobWithOutputs[]>();
  const files = new Map<string, Uint8Array>();
  const workflows: SavedWorkflow[] = [];
  let state = 7;
  const parts: PlanningParts = {
    catalog,
    words: createOfflineWordsPlanner(),
    random: () => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    },
    desk: {
      read: (id) => Promise.resolve(requests.get(id)),
      readJobs: (id) => Promise.resolve(jobs.get(id) ?? []),
      findWorkflow: (personId, name) =>
        Promise.resolve(
          workflows.find(
            (workflow) =>
              (workflow.id === name || workflow.name === name) && (workflow.personId === personId || workflow.shared),
          ),
        ),
    },
    ...more,
  };
  const plan: PlanningWorld['plan'] = (body, changes) =>
    planRequest(requestOf(body, changes), parts, new AbortController().signal);
  return {
    parts,
    files,
    workflows,
    plan,
    async make(body, changes = {}) {
      const request = requestOf(body, changes);
      const outcome = await plan(body, changes);
      if (outcome.kind !== 'planned') throw new Error(`not planned: ${JSON.stringify(outcome)}`);
      planSummarySchema.parse(outcome.plan);
      requests.set(request.id, { ...request, plan: outcome.plan, state: 'succeeded' });
      jobs.set(
        request.id,
        outcome.jobs.map((job) => finished(newJobSchema.parse(job), request.personId)),
      );
      return outcome;
    },
    async refusal(body, changes) {
      const outcome = await plan(body, changes);
      if (outcome.kind !== 'failed') throw new Error(`not refused: ${JSON.stringify(outcome)}`);
      return outcome.error;
    },
  };
}

function finished(job: Planned['jobs'][number], personId: string): JobWithOutputs {
  const outputs = Array.from({ length: Math.max(1, job.images) }, (_, index): JobOutput => ({
    index,
    hash: `${job.index}${index}`.padStart(64, 'a'),
    mediaType: 'image/png',
    bytes: 1_000,
    width: 1_024,
    height: 1_024,
    nodeId: 'save',
    filename: `${index}.png`,
  }));
  return { ...finishedJob(job.index), ...job, personId, seq: job.index, gpuSeconds: 1, outputs };
}

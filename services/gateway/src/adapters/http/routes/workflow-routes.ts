import { z } from 'zod';
import type { Json } from '@atelier/comfyui/json/json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { uuidSchema } from '@atelier/shared/contracts/identity';
import { assetHashSchema, MAX_WORKFLOW_CHARS, type RequestBody } from '@atelier/shared/contracts/request';
import { findInputFiles } from '@atelier/shared/db/gateway/api-files';
import { jobViewSchema, outputViewSchema, type JobView } from '../../../core/jobs/job-view.ts';
import { problem } from '../../../core/problems/to-problem.ts';
import { namedFiles } from '../../../core/submit/named-files.ts';
import { principalOf, problems, type GatewayServer } from '../gateway-server.ts';
import type { RouteDeps } from './route-deps.ts';
import { submissionRoute, submitFields, takeSubmission } from './submission-route.ts';

const promptParams = z.object({ prompt_id: uuidSchema });

const submitSchema = z.strictObject({
  ...submitFields,
  workflow: z
    .union([z.string().min(2).max(MAX_WORKFLOW_CHARS), z.record(z.string(), z.unknown())])
    .describe("API format or the front end's: as an object, or as JSON text, which keeps every digit of it"),
  name: z.string().max(200).optional(),
  parameters: z.record(z.string().max(40), z.union([z.string(), z.number(), z.boolean()])).optional(),
  targets: z.array(z.string().max(200)).max(500).optional(),
  files: z
    .array(z.strictObject({ name: z.string().min(1).max(200), hash: assetHashSchema }))
    .max(50)
    .optional()
    .describe('Files that it names, where they are not uploaded under those names'),
});

const historySchema = z.object({
  prompt_id: uuidSchema,
  status: z.object({ status_str: z.enum(['success', 'error', 'pending']), completed: z.boolean() }),
  outputs: z.record(
    z.string(),
    z.object({
      images: z.array(z.object({ filename: z.string(), subfolder: z.string(), type: z.string(), hash: z.string() })),
    }),
  ),
  job: jobViewSchema,
});

/** Workflows as programs of ComfyUI know them: `prompt_id` is the job's id. */
export function registerWorkflowRoutes(server: GatewayServer, deps: RouteDeps): void {
  const { desk } = deps;
  const tags = ['workflows'];

  server.post(
    '/api/v1/workflows/submit',
    submissionRoute({
      tags,
      summary: 'Queue a workflow, in API format or as the front end saves it',
      bodyLimit: 6 * 1_024 * 1_024,
      body: submitSchema,
      codes: ['WORKFLOW_VALIDATION_ERROR'],
    }),
    async (request, reply) => {
      const { client_id: _client, private: _private, workflow, files, ...rest } = request.body;
      const principal = principalOf(request);
      const workflowText = typeof workflow === 'string' ? workflow : stringifyJson(workflow as Json);
      if (workflowText.length > MAX_WORKFLOW_CHARS) {
        throw problem('PAYLOAD_TOO_LARGE', 'This workflow is too long.', '工作流过长。');
      }
      const named = namedFiles(workflowText);
      const uploaded = await findInputFiles(deps.parts.db, principal.personId, named);
      const given = (files ?? []).map(({ name, hash }) => ({ name, image: { hash, mediaType: 'image/png' } }));
      const known = new Set(given.map(({ name }) => name));
      const found = [...uploaded].flatMap(([name, { hash, mediaType }]) =>
        known.has(name) ? [] : [{ name, image: { hash, mediaType } }],
      );
      const all = [...given, ...found].slice(0, 50);
      const body: RequestBody = {
        kind: 'workflow',
        workflowText,
        ...(rest.name === undefined ? {} : { name: rest.name }),
        ...(rest.parameters === undefined ? {} : { parameters: rest.parameters }),
        ...(rest.targets === undefined ? {} : { targets: rest.targets }),
        ...(all.length === 0 ? {} : { files: all }),
      };
      return takeSubmission(deps, reply, request, body);
    },
  );

  server.get(
    '/api/v1/workflows/:prompt_id/history',
    {
      schema: {
        tags,
        summary: 'What became of a workflow, in the words of ComfyUI',
        params: promptParams,
        response: { 200: historySchema, ...problems('NOT_FOUND') },
      },
    },
    async (request) => toHistory(await desk.readJob(principalOf(request), request.params.prompt_id)),
  );

  server.get(
    '/api/v1/workflows/:prompt_id/images',
    {
      schema: {
        tags,
        summary: 'The files of a workflow',
        params: promptParams,
        response: { 200: z.object({ images: z.array(outputViewSchema) }), ...problems('NOT_FOUND') },
      },
    },
    async (request) => ({ images: (await desk.readJob(principalOf(request), request.params.prompt_id)).outputs }),
  );

  server.post(
    '/api/v1/workflows/interrupt',
    {
      config: { scope: 'submit' },
      schema: {
        tags,
        summary: 'Stop a job by its id; without one, my job that runs now',
        body: z.strictObject({ prompt_id: uuidSchema.optional() }).nullish(),
        response: { 202: jobViewSchema, ...problems('NOT_FOUND', 'QUEUE_OPERATION_ERROR', 'UNSUPPORTED_MEDIA_TYPE') },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const id = request.body?.prompt_id ?? (await desk.runningId(principal));
      if (id === undefined) {
        throw problem('QUEUE_OPERATION_ERROR', 'Nothing of yours runs now.', '您当前没有正在运行的任务。');
      }
      await desk.cancel(principal, id);
      reply.code(202);
      return desk.readJob(principal, id);
    },
  );
}

function toHistory(job: JobView): z.infer<typeof historySchema> {
  const outputs: z.infer<typeof historySchema>['outputs'] = {};
  for (const { nodeId, filename, hash } of job.outputs) {
    (outputs[nodeId] ??= { images: [] }).images.push({ filename, subfolder: job.id, type: 'output', hash });
  }
  const completed = job.finishedAt !== undefined;
  const good = job.status === 'succeeded' || job.status === 'replied';
  const status = completed ? (good ? 'success' : 'error') : 'pending';
  return { prompt_id: job.id, status: { status_str: status, completed }, outputs, job };
}

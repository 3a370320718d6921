import { text } from 'node:stream/consumers';
import type { JsonObject } from '@atelier/comfyui/json/json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import type { Policy } from '@atelier/comfyui/policy/policy';
import { MAX_WORKFLOW_CHARS } from '@atelier/shared/contracts/request';
import { findInputFiles } from '@atelier/shared/db/gateway/api-files';
import {
  forgetDoorPrompt,
  keepDoorPrompt,
  readDoorPrompts,
  type DoorPrompt,
  type DoorPromptQuery,
} from '@atelier/shared/db/gateway/door-prompts';
import { requestIdOf } from '@atelier/shared/db/requests/accept-request';
import { AppError } from '@atelier/shared/errors/app-error';
import type { JobFacts } from '../core/jobs/to-job-view.ts';
import type { Principal } from '../core/principal.ts';
import { eventIdOf, type Submission } from '../core/submit/create-submitter.ts';
import type { JobDesk } from '../adapters/job-desk.ts';
import type { GatewayParts } from '../ports.ts';
import { isInlineText } from './core/node-outputs.ts';
import { isRefused, judgePrompt, refused, type JudgedPrompt, type RefusedPrompt } from './core/judge-prompt.ts';
import { fileNamesIn } from './core/file-names-in.ts';
import { refusal, type PromptBody } from './core/prompt-body.ts';
import type { DoorCatalog } from './door-catalog.ts';

/** How a prompt was taken, in ComfyUI's words. */
export type PromptAnswer = { outcome: 'queued'; prompt: DoorPrompt; nodeErrors: JsonObject } | RefusedPrompt;

/** What the door does with prompts: all of it with the person's own. */
export interface DoorDesk {
  submit(principal: Principal, body: PromptBody): Promise<PromptAnswer>;
  /** A person's prompts with what became of them, oldest first. */
  read(query: DoorPromptQuery): Promise<{ prompt: DoorPrompt; facts: JobFacts }[]>;
  /** Contents of the text outputs of these jobs, by hash. */
  texts(facts: readonly JobFacts[]): Promise<ReadonlyMap<string, string>>;
}

const maxTextBytes = 65_536;
const maxFiles = 50;

export function createDoorDesk(
  parts: Pick<GatewayParts, 'db' | 'files' | 'log' | 'randomId'>,
  deps: { desk: JobDesk; catalog: DoorCatalog; policy: () => Promise<Policy> },
): DoorDesk {
  const { db, files, log } = parts;

  async function check(principal: Principal, body: PromptBody): Promise<Checked | RefusedPrompt> {
    const workflowText = stringifyJson(body.prompt, { nonFinite: 'literal' });
    if (workflowText.length > MAX_WORKFLOW_CHARS) {
      return refused(
        refusal(
          400,
          'prompt_too_large',
          `This workflow is too long: send one of at most ${MAX_WORKFLOW_CHARS} characters`,
        ),
      );
    }
    const [servers, uploads, policy] = await Promise.all([
      deps.catalog.serversFor(principal.personId),
      findInputFiles(db, principal.personId, fileNamesIn(body.prompt)),
      deps.policy(),
    ]);
    if (uploads.size > maxFiles) {
      return refused(
        refusal(400, 'too_many_files', `A workflow may name at most ${maxFiles} uploaded files: split it`),
      );
    }
    const verdict = judgePrompt(servers, { ...body, workflowText, files: [...uploads.keys()], policy });
    if (isRefused(verdict)) return verdict;
    const named = [...uploads].map(([name, { hash, mediaType }]) => ({ name, image: { hash, mediaType } }));
    return { ...verdict, workflowText, files: named };
  }

  return {
    async submit(principal, body) {
      const checked = await check(principal, body);
      if (isRefused(checked)) return checked;
      const { clientId } = body;
      const promptId = body.promptId ?? parts.randomId();
      const submission: Submission = {
        body: {
          kind: 'workflow',
          workflowText: checked.workflowText,
          ...(checked.files.length === 0 ? {} : { files: checked.files }),
          ...(checked.isPartial ? { targets: checked.outputs } : {}),
        },
        clientId,
        eventId: promptId,
        isNew: body.promptId === undefined,
      };
      // Kept before it is committed, so that whatever happens under this id is told.
      const prompt = await keepDoorPrompt(db, {
        requestId: requestIdOf('api', eventIdOf(principal, submission, parts.randomId)),
        personId: principal.personId,
        promptId,
        clientId: clientId ?? null,
        extraDataText: stringifyJson(body.extraData, { nonFinite: 'literal' }),
        outputs: checked.outputs,
      });
      try {
        await deps.desk.submit(principal, submission);
      } catch (error) {
        // Where it is not known whether it was committed, the row is left: without its request nobody sees it.
        if (error instanceof AppError && error.code !== 'unavailable') await forget(prompt.requestId);
        throw error;
      }
      return { outcome: 'queued', prompt, nodeErrors: checked.nodeErrors };
    },
    async read(query) {
      const found = await readDoorPrompts(db, query);
      return found.map(({ prompt, request, jobs }) => ({ prompt, facts: { request, jobs } }));
    },
    async texts(all) {
      const found = new Map<string, string>();
      const outputs = all.flatMap(({ jobs }) => jobs.flatMap((job) => job.outputs));
      const wanted = outputs.filter((output) => isInlineText(output) && output.bytes <= maxTextBytes);
      await Promise.all(
        [...new Set(wanted.map(({ hash }) => hash))].map(async (hash) => {
          try {
            found.set(hash, await text(await files.get(hash)));
          } catch (error) {
            log.debug({ err: error, hash }, 'a text that a workflow put out is gone');
            found.set(hash, '');
          }
        }),
      );
      return found;
    },
  };

  async function forget(requestId: string): Promise<void> {
    await forgetDoorPrompt(db, requestId).catch((error: unknown) =>
      log.debug({ err: error, request_id: requestId }, 'a refused prompt was not forgotten'),
    );
  }
}

interface Checked extends JudgedPrompt {
  workflowText: string;
  files: { name: string; image: { hash: string; mediaType: string } }[];
}

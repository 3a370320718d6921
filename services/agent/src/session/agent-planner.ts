import type { ToolCall } from '@atelier/shared/contracts/control';
import type { LiveReply } from '@atelier/shared/contracts/live';
import type { RequestBody } from '@atelier/shared/contracts/request';
import { endRun } from '@atelier/shared/db/agent/end-run';
import { addCost } from '@atelier/shared/db/agent/run-steps';
import type { Database } from '@atelier/shared/db/connect-database';
import type { OutboxRelay } from '@atelier/shared/db/outbox-relay';
import type { PlanLimits } from '@atelier/shared/db/requests/plan-request';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import type { Logger } from '@atelier/shared/log/create-logger';
import type { Catalog } from '../core/catalog.ts';
import { smallTalkTopic } from '../core/offline-planner/small-talk.ts';
import { planRequest } from '../core/plan-request.ts';
import type {
  AskedRequest,
  PictureFiles,
  PlanningParts,
  PlanningSources,
  PlanOutcome,
} from '../core/planning-parts.ts';
import { createOfflineWordsPlanner } from '../core/read-words-offline.ts';
import { mayUse } from '../core/source-picture.ts';
import type { LoadImage } from '../loop/build-messages.ts';
import { costOf } from '../loop/model-prices.ts';
import type { ClaimedRequest } from '../ports.ts';
import type { ToolReads } from '../tools/tool-reads.ts';
import type { AgentTool } from '../tools/tool.ts';
import type { AgentModel } from './agent-model.ts';
import { describePictures } from './describe-pictures.ts';
import { heedRules, type RuleSources } from './heed-rules.ts';
import { createWordsRunner, type WordsOutcome } from './words-runner.ts';

export interface AgentPlannerOptions {
  db: Database;
  desk: PlanningSources;
  outbox: Pick<OutboxRelay, 'nudge'>;
  /** What a person may use. @throws AppError `unavailable` while no registry of theirs is known, `forbidden` where all are kept for others. */
  catalogFor: (personId: string) => Catalog;
  /** Whether a rule that names this person denies them the command. */
  isDenied: RuleSources['isDenied'];
  tools: readonly AgentTool[];
  reads: ToolReads;
  files: PictureFiles;
  loadImage: LoadImage;
  model: AgentModel | undefined;
  limits: PlanLimits | undefined;
  /** How long a question waits for its answer. */
  questionExpiresMs: number;
  /** Wakes whoever can stop a cancelled request. */
  onCancel: (requestId: string, jobIds: string[]) => void;
  publish: (reply: LiveReply) => void;
  ring: (requestId: string) => void;
  random: () => number;
  now: () => number;
  log: Logger;
}

/**
 * Decides who plans a request: explicit bodies are planned at once, without any model; words go to the model where there
 * is one, and small talk to nobody but a rule.
 */
export function createAgentPlanner(options: AgentPlannerOptions) {
  const { db, model, log } = options;
  const words = createOfflineWordsPlanner();

  function partsFor(request: Pick<RequestRecord, 'id' | 'personId'>, random = options.random): PlanningParts {
    return {
      catalog: options.catalogFor(request.personId),
      words,
      desk: options.desk,
      random,
      files: options.files,
      ...(model === undefined
        ? {}
        : {
            describe: {
              describe: (images, language, signal) =>
                describePictures(
                  images,
                  language,
                  {
                    model: model.port,
                    loadImage: options.loadImage,
                    log,
                    onCost: (usage) =>
                      addCost(db, request.id, { ...costOf(usage, model.price), model: model.port.model }),
                  },
                  signal,
                ),
            },
          }),
    };
  }

  /** @param accepted see {@link heedRules}. */
  async function planAllowed(
    asked: AskedRequest,
    accepted: RequestBody | undefined,
    parts: PlanningParts,
    signal: AbortSignal,
  ): Promise<PlanOutcome> {
    const outcome = await planRequest(asked, parts, signal);
    return outcome.kind === 'planned' ? heedRules({ ...asked, accepted, outcome }, options) : outcome;
  }

  const wordsRunner =
    model === undefined
      ? undefined
      : createWordsRunner({
          ...options,
          model: model.port,
          price: model.price,
          budgets: model.budgets,
          approval: model.approval,
          visionCheck: model.visionCheck,
          maxOutputTokens: model.maxOutputTokens,
          boundary: model.boundary,
          sink: model.sink,
          plan: (request, body, id, signal, random) =>
            planAllowed({ ...request, id, body }, request.body, partsFor(request, random), signal),
        });

  /**
   * Words that came to nothing are said again to whom they were said: what a repeat repeats where there are no jobs. Undefined
   * for anything else, and where the person may not use them.
   */
  async function wordsAgain({ body, personId }: RequestRecord): Promise<WordsBody | undefined> {
    if (body.kind !== 'rerun') return undefined;
    const source = await options.desk.read(body.requestId);
    if (source === undefined || source.jobsTotal > 0 || !mayUse(personId, source)) return undefined;
    return source.body.kind === 'words' ? source.body : undefined;
  }

  return {
    async plan(claimed: ClaimedRequest, signal: AbortSignal): Promise<WordsOutcome> {
      const { request, lease } = claimed;
      const body = (wordsRunner === undefined ? undefined : await wordsAgain(request)) ?? request.body;
      if (request.jobsTotal > 0 && (wordsRunner === undefined || body.kind !== 'words')) {
        // Its agent had a model and waited for these jobs; without one, they speak for themselves.
        const rows = await endRun(db, lease, { reply: request.reply ?? '' });
        if (rows !== undefined) options.outbox.nudge(rows);
        return { kind: 'handled' };
      }
      if (wordsRunner === undefined || body.kind !== 'words' || isSmallTalk(body)) {
        return planAllowed({ ...request, body }, request.body, partsFor(request), signal);
      }
      return wordsRunner.run(
        { ...claimed, request: { ...request, body } },
        options.catalogFor(request.personId),
        signal,
      );
    },
    settled(request: RequestRecord): void {
      void wordsRunner?.settled(request);
    },
    /** For a caller of another door, with the rights of its person. */
    planForCaller(caller: ToolCall, body: RequestBody, id: string, signal: AbortSignal): Promise<PlanOutcome> {
      const asked = { id, personId: caller.personId, language: caller.language, body };
      return planAllowed(asked, undefined, partsFor(asked), signal);
    },
  };
}

type WordsBody = Extract<RequestBody, { kind: 'words' }>;

/** Longer messages want more than a greeting back. */
const MAX_SMALL_TALK_CHARS = 24;

/** A greeting, thanks or "help" has its answer at once, and for nothing. An "ok" may be the answer to what was offered. */
function isSmallTalk(body: WordsBody): boolean {
  const alone =
    body.text.length <= MAX_SMALL_TALK_CHARS &&
    body.about === undefined &&
    body.images === undefined &&
    body.quoted === undefined;
  const topic = alone ? smallTalkTopic(body.text) : undefined;
  return topic === 'greeting' || topic === 'help' || (topic === 'thanks' && /than|thx|ty|谢/i.test(body.text));
}

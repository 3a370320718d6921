import type { ToolAnswer, ToolCall, ToolList } from '@atelier/shared/contracts/control';
import type { RequestBody } from '@atelier/shared/contracts/request';
import { callIdOf, commitDoorCall } from '@atelier/shared/db/agent/door-call';
import { readRunSteps } from '@atelier/shared/db/agent/run-steps';
import { sessionIdOf } from '@atelier/shared/db/agent/session-store';
import type { Database } from '@atelier/shared/db/connect-database';
import type { Logger } from '@atelier/shared/log/create-logger';
import type { Catalog } from '../core/catalog.ts';
import type { PlanOutcome } from '../core/planning-parts.ts';
import { idOfUse } from '../loop/run-failures.ts';
import { parseToolResult, writeToolResult, type ToolResult } from '../loop/step.ts';
import { resultOf, useTool } from '../loop/use-tools.ts';
import type { ToolReads } from '../tools/tool-reads.ts';
import { refuse, toolSchemaOf, type AgentTool, type ToolContext } from '../tools/tool.ts';

/** A caller waits no longer than this. */
const CALL_TIMEOUT_MS = 25_000;

export interface DoorToolsOptions {
  db: Database;
  tools: readonly AgentTool[];
  reads: ToolReads;
  /** Decides what a body becomes, with the rights of the person who calls. */
  plan: (caller: ToolCall, body: RequestBody, id: string, signal: AbortSignal) => Promise<PlanOutcome>;
  /** What a person may use. @throws AppError `unavailable` while no registry of theirs is known, `forbidden` where all are kept for others. */
  catalogFor: (personId: string) => Catalog;
  random: () => number;
  now: () => number;
  log: Logger;
}

/** The agent's tools for other doors: the same code, for the person in the envelope, each call once. */
export function createDoorTools(options: DoorToolsOptions) {
  const { db, log } = options;
  const tools = options.tools.filter(({ forDoors }) => forDoors);

  function contextOf(call: ToolCall, id: string, signal: AbortSignal): ToolContext {
    return {
      requester: {
        personId: call.personId,
        personName: '',
        language: call.language,
        place: call.place,
        isHeardAlone: true,
        sessionId: sessionIdOf(call.place),
      },
      request: undefined,
      catalog: options.catalogFor(call.personId),
      reads: options.reads,
      planBody: (body, planId) => options.plan(call, body, planId, signal),
      idOf: (name) => idOfUse(id, 0, id, name),
      answers: [],
      jobs: [],
      spent: undefined,
      // Whoever calls has decided already; quotas hold all the same.
      approval: { when: 'never', gpuSeconds: 0 },
      gpuSecondsLeft: Number.POSITIVE_INFINITY,
      noRepair: undefined,
      random: options.random,
      now: new Date(options.now()),
    };
  }

  return {
    list(): ToolList {
      return {
        tools: tools.map((tool) => ({ ...toolSchemaOf(tool), readOnly: tool.readOnly })),
      };
    },
    async call(call: ToolCall): Promise<ToolAnswer> {
      const id = callIdOf(call.personId, call.callId);
      const { results } = await readRunSteps(db, id);
      const [kept] = results;
      if (kept !== undefined) return answerOf(parseToolResult(kept));
      const use = { id, name: call.tool, input: call.arguments };
      const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
      const used = await useTool(tools, use, contextOf(call, id, signal), signal, log);
      const outcome = used.kind === 'result' ? used : refuse('This tool cannot be used here.');
      const result = resultOf(
        use,
        0,
        outcome.kind === 'result' ? outcome : { kind: 'result', content: '', isError: true },
      );
      const row = await commitDoorCall(
        db,
        { id, personId: call.personId, place: call.place },
        { tool: result.tool, isError: result.isError, content: writeToolResult(result) },
        used.kind === 'result' ? (used.effects ?? {}) : {},
      );
      return answerOf(parseToolResult(row));
    },
  };
}

function answerOf(result: ToolResult): ToolAnswer {
  return {
    isError: result.isError,
    text: result.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n'),
    images: result.content.flatMap((block) =>
      block.type === 'image' ? [{ hash: block.hash, mediaType: block.mediaType }] : [],
    ),
  };
}

import type { RequestCost } from '@atelier/shared/contracts/request';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Logger } from '@atelier/shared/log/create-logger';
import type { LocalText } from '../core/words-plan.ts';
import { refuse, toolSchemaOf, type AgentTool, type ToolContext, type ToolOutcome } from '../tools/tool.ts';
import { asData, storableText } from '../tools/untrusted-text.ts';
import { buildMessages, type LoadImage } from './build-messages.ts';
import { exhaustedBudget, EXHAUSTED_WORDS, type RunBudgets } from './budgets.ts';
import { compactRun } from './compact-run.ts';
import type { EventSink } from './event-sink.ts';
import { costOf, type ModelPrice } from './model-prices.ts';
import { ModelUnavailable, type ModelPort } from './model-port.ts';
import { failedTries, MAX_REPAIRS, whyNoRepair, type FailedTry } from './run-failures.ts';
import type { RunHistory, RunStore } from './run-store.ts';
import { nextSeq, textOf, toolUsesOf, type ReplyStep, type RunStep, type SaidBlock, type ToolUse } from './step.ts';
import { groupUses, resultOf, useTool } from './use-tools.ts';
import { owesLook, visionStep, whyNoAttempt, type VisionCheck } from './vision-check.ts';

/** Called between any two things that are kept apart: where a process may die, and where tests let it. */
export type Boundary = (name: string) => Promise<void>;

export interface AgentRun {
  /** The request's id. */
  runId: string;
  store: RunStore;
  model: ModelPort;
  price: ModelPrice;
  tools: readonly AgentTool[];
  /** The same for everybody, so that it is cached. */
  system: string;
  /** What the model is told first. */
  opening: () => Promise<SaidBlock[]>;
  /** The current draft, open jobs and preferences, word for word. */
  state: () => Promise<string>;
  toolContext: (history: RunHistory, use: ToolUse, seq: number, noRepair: string | undefined) => ToolContext;
  loadImage: LoadImage;
  budgets: RunBudgets;
  visionCheck: VisionCheck;
  maxOutputTokens: number;
  sink: EventSink;
  log: Logger;
  boundary?: Boundary;
}

export type RunEnd =
  | { kind: 'answered'; reply: string }
  /** It waits for its person or for its jobs, and holds nothing meanwhile. */
  | { kind: 'waits' }
  | { kind: 'stopped' }
  /** The lease is gone: somebody else has it, or it was cancelled. */
  | { kind: 'lost' }
  /** The model gives no reply, or no more may be paid for. */
  | {
      kind: 'cannot';
      reason: string;
      why: LocalText;
      /** What has become of the run: nothing yet, so that whoever else can answer may; replies without jobs; or its jobs. */
      soFar: 'nothing' | 'replies' | 'open' | 'succeeded' | 'failed';
      /** What the model had said last. */
      said: string;
    };

/**
 * Works on one request until it is answered, waits, or may not go on. A function of what is stored: whatever process
 * calls it, and however often it died before, it goes on at the first thing that is not kept yet. A reply is kept before
 * anything is done about it, and a tool's result together with all that its use changed.
 *
 * @throws AppError `unavailable` when the signal ends it or a part is away.
 */
export async function runAgent(run: AgentRun, signal: AbortSignal): Promise<RunEnd> {
  const { store } = run;
  let history = await store.load();
  if (history.steps.length === 0) {
    const first: RunStep = {
      kind: 'user',
      seq: 0,
      content: await run.opening(),
      cause: { kind: 'message', jobIds: [] },
    };
    if (!(await store.append(first))) return { kind: 'lost' };
    history = { ...history, steps: [first] };
  }
  for (;;) {
    if (signal.aborted) throw new AppError('unavailable', 'the run was ended from outside');
    const last = history.steps.at(-1);
    const pending = last?.kind === 'reply' ? pendingUses(last, history) : [];
    let next: RunHistory | RunEnd;
    if (last?.kind === 'reply' && pending.length > 0) next = await useTools(run, history, last, pending, signal);
    else if (last?.kind === 'reply' && endsTurn(last, history)) next = await endTurn(run, last);
    else next = await askModel(run, history, signal);
    if ('kind' in next) return next;
    history = next;
  }
}

function pendingUses(reply: ReplyStep, history: RunHistory): ToolUse[] {
  const done = new Set(history.results.flatMap((result) => (result.seq === reply.seq ? [result.toolUseId] : [])));
  return toolUsesOf(reply.content).filter(({ id }) => !done.has(id));
}

/** The person is answered: in words, or by runs that say themselves what to tell. */
function endsTurn(reply: ReplyStep, history: RunHistory): boolean {
  const uses = toolUsesOf(reply.content);
  if (uses.length === 0) return true;
  const failed = history.results.some(({ seq, isError }) => seq === reply.seq && isError);
  return !failed && uses.every((use) => closingWords(use) !== undefined);
}

/** What a use says to the person at the end of the turn. */
function closingWords({ input }: ToolUse): string | undefined {
  if (typeof input !== 'object' || input === null || !('reply' in input)) return undefined;
  return typeof input.reply === 'string' && input.reply.trim() !== '' ? input.reply.trim() : undefined;
}

function spokenReply(reply: ReplyStep): string {
  const closing = toolUsesOf(reply.content).flatMap((use) => closingWords(use) ?? []);
  return storableText([textOf(reply.content), ...closing].filter((text) => text !== '').join('\n\n'));
}

async function askModel(run: AgentRun, before: RunHistory, signal: AbortSignal): Promise<RunHistory | RunEnd> {
  const { store, budgets, model } = run;
  let history = before;
  const spent = { iterations: history.steps.filter(({ kind }) => kind === 'reply').length, ...history };
  const exhausted = exhaustedBudget(budgets, spent);
  if (exhausted !== undefined) {
    const { en, zh } = EXHAUSTED_WORDS[exhausted];
    return cannot(history, 'budget', { en: `I stopped because ${en}`, zh: `已停止：${zh}` });
  }
  if (isLong(history.steps, budgets.contextTokens)) {
    const content = compactRun(history.steps, history.results, await run.state());
    const compact: RunStep = { kind: 'compact', seq: nextSeq(history.steps), content };
    if (!(await store.append(compact))) return { kind: 'lost' };
    history = { ...history, steps: [...history.steps, compact] };
  }
  const asked = {
    system: run.system,
    tools: run.tools.map(toolSchemaOf),
    messages: await buildMessages(history.steps, history.results, run.loadImage),
    maxOutputTokens: run.maxOutputTokens,
    mayUseTools: spent.iterations < budgets.maxIterations - 1,
  };
  try {
    const hooks = {
      onText: (text: string) => run.sink({ type: 'text', text }),
      onLost: (usage: Parameters<typeof costOf>[0]) =>
        store.addLostCost({ ...costOf(usage, run.price), model: model.model }),
    };
    const { content, stopReason, usage } = await model.reply(asked, hooks, signal);
    await run.boundary?.(`reply ${nextSeq(history.steps)}`);
    const step: ReplyStep = {
      kind: 'reply',
      seq: nextSeq(history.steps),
      content,
      stopReason,
      contextTokens: usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens + usage.outputTokens,
    };
    const cost = costOf(usage, run.price);
    if (!(await store.append(step, { ...cost, model: model.model }))) return { kind: 'lost' };
    await run.boundary?.(`reply ${step.seq} kept`);
    run.sink({ type: 'reply', step, cost });
    return { ...history, ...addCost(history, cost), steps: [...history.steps, step] };
  } catch (error) {
    if (!(error instanceof ModelUnavailable)) throw error;
    run.log.warn({ err: error, reason: error.reason }, 'the run goes on without the language model');
    return cannot(history, error.reason, error.why);
  }
}

function cannot(history: RunHistory, reason: string, why: LocalText): RunEnd {
  const last = history.steps.findLast((step) => step.kind === 'reply');
  return { kind: 'cannot', reason, why, soFar: soFarOf(history), said: last === undefined ? '' : spokenReply(last) };
}

function soFarOf({ jobs, steps }: RunHistory): Extract<RunEnd, { kind: 'cannot' }>['soFar'] {
  if (jobs.some(({ finishedAt }) => finishedAt === null)) return 'open';
  if (jobs.length > 0) return jobs.some(({ state }) => state === 'succeeded') ? 'succeeded' : 'failed';
  return steps.some(({ kind }) => kind === 'reply') ? 'replies' : 'nothing';
}

function isLong(steps: readonly RunStep[], contextTokens: number): boolean {
  const last = steps.findLast(({ kind }) => kind !== 'user');
  return last?.kind === 'reply' && last.contextTokens > contextTokens;
}

function addCost(
  history: RunHistory,
  cost: RequestCost,
): Pick<RunHistory, 'cost' | 'personDayMicroDollars' | 'dayMicroDollars'> {
  const { cost: had } = history;
  return {
    cost: {
      inputTokens: had.inputTokens + cost.inputTokens,
      outputTokens: had.outputTokens + cost.outputTokens,
      cacheReadTokens: had.cacheReadTokens + cost.cacheReadTokens,
      cacheWriteTokens: had.cacheWriteTokens + cost.cacheWriteTokens,
      microDollars: had.microDollars + cost.microDollars,
      modelCalls: had.modelCalls + cost.modelCalls,
    },
    personDayMicroDollars: history.personDayMicroDollars + cost.microDollars,
    dayMicroDollars: history.dayMicroDollars + cost.microDollars,
  };
}

/** Uses of one reply that are done; a model that wants more writes nonsense, or wants to fill its context. */
const MAX_USES = 16;

async function useTools(
  run: AgentRun,
  before: RunHistory,
  reply: ReplyStep,
  pending: readonly ToolUse[],
  signal: AbortSignal,
): Promise<RunHistory | RunEnd> {
  const { store } = run;
  run.sink({ type: 'tools', uses: pending });
  let history = before;
  for (const group of groupUses(run.tools, pending)) {
    // All are waited for: nothing of this run may go on once it has ended.
    const settled = await Promise.allSettled(group.map((use) => useOne(run, history, reply, use, signal)));
    const ends = settled.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
    // What one use has queued or spent, the next one knows.
    const end = ends.find((candidate) => candidate !== 'kept');
    if (end !== undefined && end !== 'again') return end;
    history = await store.load();
    if (end === 'again') break;
  }
  return history;
}

/** Why no more jobs may be queued; undefined: they may. */
function whyNoRun(run: AgentRun, history: RunHistory): string | undefined {
  return (
    whyNoRepair(failedTries(run.runId, history.steps, history.results, history.jobs)) ??
    whyNoAttempt(run.visionCheck, run.runId, history)
  );
}

/** `again`: what it waited for is there already. */
async function useOne(
  run: AgentRun,
  history: RunHistory,
  reply: ReplyStep,
  use: ToolUse,
  signal: AbortSignal,
): Promise<RunEnd | 'kept' | 'again'> {
  const { store } = run;
  const context = run.toolContext(history, use, reply.seq, whyNoRun(run, history));
  const outcome = whyUndone(reply, use) ?? (await useTool(run.tools, use, context, signal, run.log));
  if (signal.aborted) throw new AppError('unavailable', 'the run was ended from outside');
  switch (outcome.kind) {
    case 'ask':
      return (await store.ask(outcome.question)) ? { kind: 'waits' } : { kind: 'lost' };
    case 'wait': {
      const parked = await store.park();
      if (parked === 'ready') return 'again';
      return parked === 'parked' ? { kind: 'waits' } : { kind: 'lost' };
    }
    case 'stop':
      return (await store.stop()) ? { kind: 'stopped' } : { kind: 'lost' };
    case 'result':
      break;
  }
  let result = resultOf(use, reply.seq, outcome);
  await run.boundary?.(`result ${reply.seq} ${use.id}`);
  let kept: boolean;
  try {
    kept = await store.commit(result, outcome.effects ?? {});
  } catch (error) {
    // The queue has no room: the model tells the person.
    if (!(error instanceof AppError && error.code === 'rate_limited')) throw error;
    result = resultOf(use, reply.seq, { kind: 'result', content: error.publicMessage.en, isError: true });
    kept = await store.commit(result, {});
  }
  if (!kept) return { kind: 'lost' };
  await run.boundary?.(`result ${reply.seq} ${use.id} kept`);
  run.sink({ type: 'result', result });
  return 'kept';
}

/** Why a use is not even tried. */
function whyUndone(reply: ReplyStep, use: ToolUse): ToolOutcome | undefined {
  if (reply.stopReason === 'max_tokens') {
    return refuse('Your reply was cut off at its longest, so this was not done. Write less at a time.');
  }
  const place = toolUsesOf(reply.content).findIndex(({ id }) => id === use.id);
  return place < MAX_USES
    ? undefined
    : refuse(`This was not done: at most ${MAX_USES} uses of tools stand in one reply.`);
}

/** The model has spoken: the end, unless jobs failed that it should know of, or the result is to be looked at. */
async function endTurn(run: AgentRun, reply: ReplyStep): Promise<RunHistory | RunEnd> {
  const { store } = run;
  const history = await store.load();
  const open = history.jobs.some(({ finishedAt }) => finishedAt === null);
  const tries = failedTries(run.runId, history.steps, history.results, history.jobs);
  const news = open ? undefined : (failureStep(tries, history) ?? visionStep(run.visionCheck, history));
  if (news !== undefined) {
    return (await store.append(news)) ? { ...history, steps: [...history.steps, news] } : { kind: 'lost' };
  }
  if (open && owesLook(run.visionCheck, history)) {
    const parked = await store.park();
    if (parked === 'ready') return store.load();
    return parked === 'parked' ? { kind: 'waits' } : { kind: 'lost' };
  }
  await run.boundary?.(`end ${reply.seq}`);
  const said = spokenReply(reply);
  const wake = tries.length > MAX_REPAIRS ? undefined : 'failure';
  if (!(await store.end(said, wake))) return { kind: 'lost' };
  run.sink({ type: 'end', how: 'answered', reply: said });
  return { kind: 'answered', reply: said };
}

/** Tells the model what failed since it was last told. */
function failureStep(tries: readonly FailedTry[], history: RunHistory): RunStep | undefined {
  const untold = tries.filter(({ told }) => !told);
  if (untold.length === 0) return undefined;
  const noRepair = whyNoRepair(tries);
  const causes = untold.map(({ explained }) => asData(`${explained.text}\nComfyUI says: ${explained.details}`));
  const advice =
    noRepair ??
    `Mend it with a change that addresses this cause and run it again (repairs left: ${MAX_REPAIRS + 1 - tries.length}), or tell the person what went wrong and what they can choose.`;
  return {
    kind: 'user',
    seq: nextSeq(history.steps),
    content: [{ type: 'text', text: `Your run failed.\n${causes.join('\n')}\n${advice}` }],
    cause: { kind: 'failure', jobIds: untold.flatMap(({ jobIds }) => jobIds) },
  };
}

import { randomUUID } from 'node:crypto';
import { createClaudeModel, type ClaudeModelOptions } from '@atelier/agent/adapters/claude-model';
import type { AgentApp } from '@atelier/agent/app';
import { parseAgentConfig } from '@atelier/agent/config';
import type { AgentModel } from '@atelier/agent/session/agent-model';
import { startAgentWorld, type AgentWorld, type SubmitOptions } from '@atelier/agent/testing/start-agent-world';
import type { RequestBody } from '@atelier/shared/contracts/request';
import { answerQuestion } from '@atelier/shared/db/requests/ask-question';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import { createLogger } from '@atelier/shared/log/create-logger';
import { untilSeen } from '../until-seen.ts';
import {
  startScriptedAnthropic,
  type ReceivedRequest,
  type ScriptedAnthropic,
  type ScriptedStep,
} from './scripted-anthropic.ts';

/** An agent with a scripted model, a database, a broker and a worker without a GPU. */
export interface AgentConversation {
  world: AgentWorld;
  claude: ScriptedAnthropic;
  /** What the model port waited for, in place of waiting. */
  waits: number[];
  /** Says something, with what the model will answer. A place of its own unless one is named. */
  say(text: string, script: readonly ScriptedStep[], options?: SayOptions): Promise<string>;
  /** Presses a button, or answers in words. */
  answer(request: RequestRecord, answer: { choice?: string; text?: string }): Promise<void>;
  /** Starts the agent anew with other settings. */
  restart(env?: Record<string, string>, extra?: Partial<AgentModel>): Promise<void>;
  /** Starts the agent anew without a model. */
  restartWithoutModel(): Promise<void>;
  /** Every request that the model got since `from`. */
  asked(from?: number): readonly ReceivedRequest[];
  /** Waits until the model was asked so often. */
  untilAsked(times: number): Promise<void>;
  /** Waits until a request has so many jobs. */
  untilJobs(requestId: string, count: number): Promise<void>;
  close(): Promise<void>;
}

export interface SayOptions extends SubmitOptions {
  body?: Partial<Extract<RequestBody, { kind: 'words' }>>;
}

const log = createLogger('agent-test', process.env['TEST_LOG_LEVEL'] ?? 'silent');

export async function openAgentConversation(env: Record<string, string> = {}): Promise<AgentConversation> {
  const [world, claude] = await Promise.all([startAgentWorld(), startScriptedAnthropic()]);
  const waits: number[] = [];
  let agent: AgentApp | undefined;
  let lastPlace = '';

  async function restart(settings: Record<string, string> = env, extra: Partial<AgentModel> = {}): Promise<void> {
    await agent?.stop();
    const model = scriptedModel(claude, settings, { delay: (ms) => (waits.push(ms), Promise.resolve()) });
    agent = await world.startAgent({ sweepMs: 600_000, model: { ...model, ...extra } });
  }

  await world.publishRegistry();
  await restart();
  return {
    world,
    claude,
    waits,
    restart,
    async restartWithoutModel() {
      await agent?.stop();
      agent = await world.startAgent({ sweepMs: 600_000 });
    },
    say(text, script, options = {}) {
      claude.script(...script);
      const { body, ...submit } = options;
      lastPlace = submit.place ?? randomUUID();
      return world.submit({ kind: 'words', text, ...body }, { ...submit, place: lastPlace });
    },
    async answer({ id, personId, question }, given) {
      const outcome = await answerQuestion(world.db, {
        requestId: id,
        questionId: question?.id ?? '',
        personId,
        ...given,
      });
      if (outcome.outcome !== 'answered') throw new Error(`the answer is ${outcome.outcome}`);
      world.outbox.nudge(outcome.outbox);
    },
    asked: (from = 0) => claude.requests.slice(from),
    async untilAsked(times) {
      const asked = (): number => claude.requests.length;
      await untilSeen(() => asked() >= times || undefined, { state: () => `the model was asked ${asked()} times` });
    },
    async untilJobs(requestId, count) {
      let jobs = 0;
      await untilSeen(
        async () => {
          jobs = (await world.jobsOf(requestId)).length;
          return jobs >= count || undefined;
        },
        { state: () => `the request has ${jobs} jobs` },
      );
    },
    async close() {
      await world.close();
      await claude.close();
    },
  };
}

/** The real adapter with the real SDK, against the scripted server. */
export function scriptedModel(
  claude: Pick<ScriptedAnthropic, 'url'>,
  env: Record<string, string> = {},
  options: Partial<ClaudeModelOptions> = {},
): AgentModel {
  const config = parseAgentConfig({
    DATABASE_URL: 'postgres://127.0.0.1/none',
    NATS_URL: 'nats://127.0.0.1',
    ANTHROPIC_API_KEY: 'key-of-a-test',
    ANTHROPIC_BASE_URL: claude.url,
    ...env,
  });
  if (!config.claude.enabled) throw new Error('a key switches the model on');
  return { ...config.agent, port: createClaudeModel({ ...config.claude, log, random: () => 0.5, ...options }) };
}

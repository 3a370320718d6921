import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Logger } from '@atelier/shared/log/create-logger';
import type { ClaudeSettings } from '../config.ts';
import { smallTalkTopic } from '../core/offline-planner/small-talk.ts';
import type { WordsPlan } from '../core/words-plan.ts';
import type { WordsInput, WordsPlanner } from '../ports.ts';
import { answerSchema, planOfAnswer, questionOf, SYSTEM_PROMPT } from './claude-answer.ts';
import { fallbackNote, toClaudeFailure, UnusableAnswer, type ClaudeFailure } from './claude-failure.ts';

/** `timeoutMs` is for one message, with all repeats; then it is read offline. */
export interface ClaudeWordsPlannerOptions extends ClaudeSettings {
  /** Reads the words where the model cannot. */
  offline: WordsPlanner;
  log: Logger;
  /** Milliseconds since 1970; default the system's clock. */
  now?: () => number;
  /** Waits; rejects when the signal is aborted. */
  delay?: (ms: number, signal: AbortSignal) => Promise<void>;
  random?: () => number;
}

const MAX_OUTPUT_TOKENS = 2_000;
/** Attempts at one message, the first included. */
const MAX_ATTEMPTS = 4;
/** A model that answered nonsense twice will a third time. */
const MAX_MALFORMED = 2;
const BACKOFF_MS = 500;

/**
 * Reads words with Claude: one short call with a structured answer. The SDK's own retries are off; ours obey
 * `retry-after`, back off on overload, broken and malformed answers, and never repeat a refusal for money. When the
 * model cannot help in time, the offline planner reads the words, and the plan says so.
 */
export function createClaudeWordsPlanner(options: ClaudeWordsPlannerOptions): WordsPlanner {
  const { offline, log, timeoutMs, effort } = options;
  const now = options.now ?? Date.now;
  const delay = options.delay ?? waitFor;
  const random = options.random ?? Math.random;
  const client = new Anthropic({
    apiKey: options.apiKey,
    // Set, so that no credential of the environment goes to this address.
    authToken: null,
    baseURL: options.baseUrl,
    maxRetries: 0,
    timeout: timeoutMs,
    logLevel: 'off',
  });
  const { type, schema } = zodOutputFormat(answerSchema);

  async function ask(input: WordsInput, signal: AbortSignal): Promise<WordsPlan> {
    const stream = client.messages.stream(
      {
        model: options.model,
        max_tokens: MAX_OUTPUT_TOKENS,
        system: [{ type: 'text', text: SYSTEM_PROMPT, cache_control: { type: 'ephemeral' } }],
        output_config: { format: { type, schema }, ...(effort === 'none' ? {} : { effort }) },
        messages: [{ role: 'user', content: questionOf(input) }],
      },
      { signal },
    );
    const message = await stream.finalMessage();
    log.debug({ usage: message.usage, stop_reason: message.stop_reason }, 'the model answered');
    if (message.stop_reason === 'refusal') throw new UnusableAnswer('declined', 'the model declined');
    const text = message.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('');
    return planOfAnswer(text, input);
  }

  /** How long to wait before the next attempt; undefined: there is none. */
  function waitMs(failure: ClaudeFailure, attempt: number, malformed: number, deadline: number): number | undefined {
    if (failure.retry === 'never' || attempt >= MAX_ATTEMPTS || malformed >= MAX_MALFORMED) return undefined;
    const backoffMs = BACKOFF_MS * 2 ** (attempt - 1) * (0.75 + random() / 2);
    const ms = failure.retry === 'backoff' ? backoffMs : failure.retry.afterMs;
    return now() + ms < deadline ? ms : undefined;
  }

  async function askUntilDeadline(input: WordsInput, signal: AbortSignal): Promise<WordsPlan | ClaudeFailure> {
    const deadline = now() + timeoutMs;
    const timeUp = AbortSignal.timeout(timeoutMs);
    const either = AbortSignal.any([signal, timeUp]);
    let malformed = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask(input, either);
      } catch (thrown) {
        if (signal.aborted) throw new AppError('unavailable', 'reading the words was ended', { cause: thrown });
        const failure = toClaudeFailure(thrown, now());
        if (failure.reason === 'malformed') malformed++;
        log.warn({ err: thrown, attempt, reason: failure.reason }, 'the language model gave no plan');
        const ms = timeUp.aborted ? undefined : waitMs(failure, attempt, malformed, deadline);
        if (ms === undefined) return failure;
        await delay(ms, signal);
      }
    }
  }

  return {
    async read(input, signal) {
      // A greeting or "help" has its answer at once, and for nothing.
      if (smallTalkTopic(input.text) !== undefined) return offline.read(input, signal);
      const outcome = await askUntilDeadline(input, signal);
      if ('kind' in outcome) return { plan: outcome, notes: [], written: true };
      const read = await offline.read(input, signal);
      return { ...read, notes: [...read.notes, fallbackNote(outcome.reason)] };
    },
  };
}

function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(new AppError('unavailable', 'waiting for the language model was ended'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', end);
      resolve();
    }, ms);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
}

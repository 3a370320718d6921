import Anthropic from '@anthropic-ai/sdk';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Logger } from '@atelier/shared/log/create-logger';
import type { ClaudeSettings } from '../config.ts';
import {
  ModelUnavailable,
  type MessageBlock,
  type ModelMessage,
  type ModelPort,
  type ModelReply,
  type ModelUsage,
} from '../loop/model-port.ts';
import { toolUsesOf, textOf, type ToolUse } from '../loop/step.ts';
import {
  FAILURE_WORDS,
  toClaudeFailure,
  UnusableAnswer,
  type ClaudeFailure,
  type ClaudeFailureReason,
} from './claude-failure.ts';

export interface ClaudeModelOptions extends ClaudeSettings {
  log: Logger;
  /** Milliseconds since 1970; default the system's clock. */
  now?: () => number;
  /** Waits; rejects when the signal is aborted. */
  delay?: (ms: number, signal: AbortSignal) => Promise<void>;
  random?: () => number;
  /** What a reply, or an attempt at one that was of no use, has cost. */
  onUsage?: (usage: ModelUsage, outcome: 'used' | 'lost') => void;
  /** It is asked again, after this time. */
  onRetry?: (reason: ClaudeFailureReason, waitMs: number) => void;
}

/** Attempts at one reply, the first included. */
const MAX_ATTEMPTS = 4;
/** A model that answered nonsense twice will a third time. */
const MAX_MALFORMED = 2;
const BACKOFF_MS = 500;
/** Longest wait for `retry-after` while a person waits. */
const MAX_WAIT_MS = 60_000;

/**
 * Claude as the loop needs it: one reply a call, streamed. The SDK's own retries are off; ours obey `retry-after`, back off
 * on overload, on cut streams and on replies that cannot be used, and never repeat a refusal for money. `timeoutMs` is for
 * silence: a stream that still speaks is heard to its end.
 *
 * The system prompt with the tools is one cached prefix, the same for everybody; a second mark stands at the end of the
 * conversation, so that each reply reads the steps before it from the cache.
 */
export function createClaudeModel(options: ClaudeModelOptions): ModelPort {
  const { log, timeoutMs, effort } = options;
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

  async function attempt(
    call: Parameters<ModelPort['reply']>[0],
    hooks: Parameters<ModelPort['reply']>[1],
    signal: AbortSignal,
  ): Promise<ModelReply> {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), timeoutMs);
    const stream = client.messages.stream(
      {
        model: options.model,
        max_tokens: call.maxOutputTokens,
        system: [{ type: 'text', text: call.system, cache_control: { type: 'ephemeral' } }],
        messages: toParams(call.messages),
        ...(effort === 'none' ? {} : { output_config: { effort } }),
        ...(call.tools.length === 0
          ? {}
          : {
              tools: call.tools.map(({ name, description, inputSchema }) => ({
                name,
                description,
                input_schema: { ...inputSchema, type: 'object' as const },
              })),
              tool_choice: { type: call.mayUseTools ? ('auto' as const) : ('none' as const) },
            }),
      },
      { signal: AbortSignal.any([signal, silence.signal]) },
    );
    let usage: ModelUsage | undefined;
    stream.on('streamEvent', (event, snapshot) => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), timeoutMs);
      usage = toUsage(snapshot.usage);
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
        hooks.onText(textOf(toBlocks(snapshot.content)));
    });
    try {
      const message = await stream.finalMessage();
      usage = undefined;
      const reply: ModelReply = {
        content: toBlocks(message.content),
        stopReason: message.stop_reason ?? 'end_turn',
        usage: toUsage(message.usage),
      };
      log.debug({ usage: message.usage, stop_reason: message.stop_reason }, 'the model answered');
      try {
        checkReply(reply, call.messages.length > 1);
      } catch (error) {
        // It was of no use, and is paid for all the same.
        usage = reply.usage;
        throw error;
      }
      options.onUsage?.(reply.usage, 'used');
      return reply;
    } catch (error) {
      if (usage !== undefined && usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens > 0) {
        options.onUsage?.(usage, 'lost');
        await hooks.onLost(usage);
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** How long to wait before the next attempt; undefined: there is none. */
  function waitMs(failure: ClaudeFailure, attempts: number, malformed: number): number | undefined {
    if (failure.retry === 'never' || attempts >= MAX_ATTEMPTS || malformed >= MAX_MALFORMED) return undefined;
    const ms =
      failure.retry === 'backoff' ? BACKOFF_MS * 2 ** (attempts - 1) * (0.75 + random() / 2) : failure.retry.afterMs;
    return ms > MAX_WAIT_MS ? undefined : ms;
  }

  return {
    model: options.model,
    async reply(call, hooks, signal) {
      let malformed = 0;
      for (let attempts = 1; ; attempts++) {
        try {
          return await attempt(call, hooks, signal);
        } catch (thrown) {
          if (signal.aborted) throw new AppError('unavailable', 'the reply was ended from outside', { cause: thrown });
          // What our own hooks throw is not the model's.
          if (thrown instanceof AppError) throw thrown;
          const failure = toClaudeFailure(thrown, now());
          if (failure.reason === 'malformed') malformed++;
          const ms = waitMs(failure, attempts, malformed);
          log.warn(
            { err: thrown, attempt: attempts, reason: failure.reason, wait_ms: ms },
            'the language model gave no reply',
          );
          if (ms === undefined) throw new ModelUnavailable(failure.reason, FAILURE_WORDS[failure.reason], thrown);
          options.onRetry?.(failure.reason, ms);
          await delay(ms, signal);
        }
      }
    },
  };
}

/** As every maker's are, and as Postgres keeps them. */
const TOOL_USE_ID = /^[\x21-\x7e]{1,200}$/;
const TOOL_NAME = /^[\w-]{1,128}$/;

/** Deeper arguments than any tool has: whatever walks through them would run out of stack. */
const MAX_DEPTH = 64;

/** What the API would not take back: then no later reply would ever come. */
function isUsable({ id, name, input }: ToolUse): boolean {
  const isObject = typeof input === 'object' && input !== null && !Array.isArray(input);
  return TOOL_USE_ID.test(id) && TOOL_NAME.test(name) && isObject && isShallow(input);
}

function isShallow(value: object): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    level = level.flatMap((entry) => (typeof entry === 'object' && entry !== null ? Object.values(entry) : []));
    if (level.length === 0) return true;
  }
  return false;
}

/** @throws UnusableAnswer */
function checkReply(reply: ModelReply, mayBeSilent: boolean): void {
  if (reply.stopReason === 'refusal') throw new UnusableAnswer('declined', 'the model declined');
  const uses = toolUsesOf(reply.content);
  const wanted = reply.content.filter(({ type }) => type === 'tool_use').length;
  if (uses.length !== wanted || !uses.every(isUsable) || new Set(uses.map(({ id }) => id)).size !== uses.length) {
    throw new UnusableAnswer('malformed', 'a tool use has no usable id, name or arguments, or two have the same id');
  }
  // After its tools a model may have nothing to add.
  if (uses.length === 0 && textOf(reply.content) === '' && !mayBeSilent)
    throw new UnusableAnswer('malformed', 'a reply without words');
}

/** Blocks as they are given back: what only answers carry stays in, since thinking must come back as it was. */
function toBlocks(content: readonly Anthropic.ContentBlock[]): ModelReply['content'] {
  return content
    .filter((block) => block.type !== 'text' || block.text !== '')
    .map((block) =>
      block.type === 'text'
        ? { type: 'text', text: block.text }
        : block.type === 'tool_use'
          ? { type: 'tool_use', id: block.id, name: block.name, input: block.input }
          : { ...block },
    );
}

function toUsage(usage: Anthropic.Usage): ModelUsage {
  return {
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
    cacheReadTokens: usage.cache_read_input_tokens ?? 0,
    cacheWriteTokens: usage.cache_creation_input_tokens ?? 0,
  };
}

function toParams(messages: readonly ModelMessage[]): Anthropic.MessageParam[] {
  const params = messages.map((message): Anthropic.MessageParam =>
    message.role === 'assistant'
      ? // As they came from the API.
        { role: 'assistant', content: message.content as unknown as Anthropic.ContentBlockParam[] }
      : { role: 'user', content: message.content.map(toBlockParam) },
  );
  const last = params.at(-1);
  const block = typeof last?.content === 'string' ? undefined : last?.content.at(-1);
  if (block !== undefined && (block.type === 'text' || block.type === 'tool_result' || block.type === 'image')) {
    block.cache_control = { type: 'ephemeral' };
  }
  return params;
}

function toBlockParam(
  block: MessageBlock,
): Anthropic.TextBlockParam | Anthropic.ImageBlockParam | Anthropic.ToolResultBlockParam {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text };
    case 'image':
      return { type: 'image', source: { type: 'base64', media_type: block.mediaType, data: block.base64 } };
    case 'tool_result':
      break;
  }
  return {
    type: 'tool_result',
    tool_use_id: block.toolUseId,
    ...(block.isError ? { is_error: true } : {}),
    content: block.content.map((inner) =>
      inner.type === 'text'
        ? { type: 'text' as const, text: inner.text }
        : {
            type: 'image' as const,
            source: { type: 'base64' as const, media_type: inner.mediaType, data: inner.base64 },
          },
    ),
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

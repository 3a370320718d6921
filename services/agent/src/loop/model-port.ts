import type { LocalText } from '../core/words-plan.ts';
import type { ReplyBlock } from './step.ts';

/** A block of a message as the model gets it: pictures as bytes. */
export type MessageBlock =
  | { type: 'text'; text: string }
  | { type: 'image'; mediaType: 'image/jpeg'; base64: string }
  | {
      type: 'tool_result';
      toolUseId: string;
      isError: boolean;
      content: ({ type: 'text'; text: string } | { type: 'image'; mediaType: 'image/jpeg'; base64: string })[];
    };

export type ModelMessage = { role: 'user'; content: MessageBlock[] } | { role: 'assistant'; content: ReplyBlock[] };

export interface ToolSchema {
  name: string;
  description: string;
  /** JSON Schema of its arguments. */
  inputSchema: Record<string, unknown>;
}

export interface ModelCall {
  system: string;
  tools: readonly ToolSchema[];
  messages: readonly ModelMessage[];
  maxOutputTokens: number;
  /** False: the model must answer in words, however much is left to do. */
  mayUseTools: boolean;
}

export interface ModelUsage {
  /** Neither read from the cache nor written to it. */
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
}

export interface ModelReply {
  content: ReplyBlock[];
  /** `end_turn`, `tool_use`, `max_tokens`, … */
  stopReason: string;
  usage: ModelUsage;
}

/** The language model. Its own retries, waits and time limit are its matter. */
export interface ModelPort {
  /** As prices and bills name it. */
  readonly model: string;
  /**
   * Asks for one reply.
   *
   * @param onText gets the text so far, whole; it starts anew when an attempt is repeated.
   * @param onLost gets what an attempt has cost that gave no reply.
   * @throws ModelUnavailable when there will be none; AppError `unavailable` when the signal ended it.
   */
  reply(
    call: ModelCall,
    hooks: { onText: (text: string) => void; onLost: (usage: ModelUsage) => Promise<void> },
    signal: AbortSignal,
  ): Promise<ModelReply>;
}

/** The model gives no reply, now or soon. */
export class ModelUnavailable extends Error {
  override readonly name = 'ModelUnavailable';
  /** Such as `spend_cap`, `overloaded`. */
  readonly reason: string;
  /** Why, for the person, as the beginning of a sentence. */
  readonly why: LocalText;

  constructor(reason: string, why: LocalText, cause: unknown) {
    super(`the language model gives no reply: ${reason}`, { cause });
    this.reason = reason;
    this.why = why;
  }
}

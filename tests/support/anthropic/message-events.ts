/** One block of a scripted message. */
export type ScriptedBlock =
  | { type: 'text'; text: string }
  | { type: 'tool_use'; id: string; name: string; input: Record<string, unknown> };

export interface ScriptedMessage {
  content: readonly ScriptedBlock[];
  /** Default: `tool_use` where a tool is used, else `end_turn`. */
  stopReason?: 'end_turn' | 'max_tokens' | 'refusal' | 'tool_use';
  /** Characters in one delta; default 20. */
  chunkSize?: number;
  /** Waits before each event. */
  eventDelayMs?: number;
  /** Sends so many events and the others only then. */
  hold?: { afterEvents: number; until: Promise<unknown> };
  usage?: Record<string, number>;
}

const messageId = 'msg_scripted';

function stopReasonOf(message: ScriptedMessage): string {
  if (message.stopReason !== undefined) return message.stopReason;
  return message.content.some((block) => block.type === 'tool_use') ? 'tool_use' : 'end_turn';
}

function usageOf(message: ScriptedMessage): Record<string, number> {
  return {
    input_tokens: 100,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 50,
    ...message.usage,
  };
}

/** The message in one piece, as the API answers without streaming. */
export function messageOf(message: ScriptedMessage): Record<string, unknown> {
  return {
    id: messageId,
    type: 'message',
    role: 'assistant',
    model: 'scripted',
    content: message.content,
    stop_reason: stopReasonOf(message),
    stop_sequence: null,
    usage: usageOf(message),
  };
}

/** The events of the same message in a stream: message_start, blocks with their deltas, message_delta, message_stop. */
export function messageEvents(message: ScriptedMessage): { type: string; [key: string]: unknown }[] {
  const blocks = message.content.flatMap((block, index) => blockEvents(block, index, message.chunkSize ?? 20));
  return [
    {
      type: 'message_start',
      message: {
        ...messageOf(message),
        content: [],
        stop_reason: null,
        usage: { ...usageOf(message), output_tokens: 1 },
      },
    },
    ...blocks,
    {
      type: 'message_delta',
      delta: { stop_reason: stopReasonOf(message), stop_sequence: null },
      usage: { output_tokens: usageOf(message)['output_tokens'] },
    },
    { type: 'message_stop' },
  ];
}

function blockEvents(
  block: ScriptedBlock,
  index: number,
  chunkSize: number,
): { type: string; [key: string]: unknown }[] {
  const empty = block.type === 'text' ? { type: 'text', text: '' } : { ...block, input: {} };
  const whole = block.type === 'text' ? block.text : JSON.stringify(block.input);
  const deltas = chunksOf(whole, chunkSize).map((chunk) => ({
    type: 'content_block_delta',
    index,
    delta:
      block.type === 'text' ? { type: 'text_delta', text: chunk } : { type: 'input_json_delta', partial_json: chunk },
  }));
  return [
    { type: 'content_block_start', index, content_block: empty },
    ...deltas,
    { type: 'content_block_stop', index },
  ];
}

function chunksOf(whole: string, size: number): string[] {
  const chunks: string[] = [];
  for (let start = 0; start < whole.length; start += size) chunks.push(whole.slice(start, start + size));
  return chunks;
}

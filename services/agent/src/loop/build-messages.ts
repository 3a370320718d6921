import type { MessageBlock, ModelMessage } from './model-port.ts';
import { toolUsesOf, type RunStep, type SaidBlock, type ToolResult } from './step.ts';

/** A stored picture, scaled for the model; undefined where it is no longer there or cannot be read. */
export type LoadImage = (hash: string) => Promise<{ base64: string } | undefined>;

const IMAGE_GONE = '[this picture is no longer stored]';

type PlainBlock = Extract<MessageBlock, { type: 'text' | 'image' }>;

/**
 * The conversation as the model gets it, a function of what is stored: the same steps give the same messages, so that
 * what was sent before is found in the model's cache. Steps before a compact one are left out.
 *
 * Every tool use of every reply must have its result.
 */
export async function buildMessages(
  steps: readonly RunStep[],
  results: readonly ToolResult[],
  loadImage: LoadImage,
): Promise<ModelMessage[]> {
  const from = Math.max(
    0,
    steps.findLastIndex(({ kind }) => kind === 'compact'),
  );
  const messages: ModelMessage[] = [];
  const say = (blocks: MessageBlock[]): void => {
    const last = messages.at(-1);
    if (last?.role === 'user') last.content.push(...blocks);
    else messages.push({ role: 'user', content: blocks });
  };
  for (const step of steps.slice(from)) {
    if (step.kind !== 'reply') {
      say(await plainBlocks(step.content, loadImage));
      continue;
    }
    // A reply without words is no message.
    if (step.content.length === 0) continue;
    messages.push({ role: 'assistant', content: step.content });
    for (const use of toolUsesOf(step.content)) {
      const result = results.find(({ seq, toolUseId }) => seq === step.seq && toolUseId === use.id);
      if (result === undefined) throw new RangeError(`the tool use ${use.id} of step ${step.seq} has no result`);
      const content = await plainBlocks(result.content, loadImage);
      say([{ type: 'tool_result', toolUseId: use.id, isError: result.isError, content }]);
    }
  }
  return messages;
}

async function plainBlocks(blocks: readonly SaidBlock[], loadImage: LoadImage): Promise<PlainBlock[]> {
  return Promise.all(
    blocks.map(async (block): Promise<PlainBlock> => {
      // A half of a surrogate pair, where something was cut, is no JSON that the model's address takes.
      if (block.type === 'text') return { type: 'text', text: block.text.toWellFormed() };
      const image = await loadImage(block.hash);
      if (image === undefined) return { type: 'text', text: IMAGE_GONE };
      return { type: 'image', mediaType: 'image/jpeg', base64: image.base64 };
    }),
  );
}

import { z } from 'zod';
import type { ScriptedBlock, ScriptedMessage } from './message-events.ts';
import type { ReceivedRequest, ScriptedStep } from './scripted-anthropic.ts';

/** One use of a tool, as a reply of the model has it. */
export type ScriptedUse = readonly [name: string, input: Record<string, unknown>];

/** A reply that uses tools, all at once. Ids differ from reply to reply, as the API's do. */
export function toolMessage(
  uses: readonly ScriptedUse[],
  options: Partial<ScriptedMessage> & { say?: string } = {},
): ScriptedStep {
  const { say, ...message } = options;
  return {
    kind: 'when',
    answer(request) {
      const content: ScriptedBlock[] = uses.map(([name, input], index) => ({
        type: 'tool_use',
        id: `toolu_${request.messages.length}_${index}`,
        name,
        input,
      }));
      return {
        kind: 'message',
        content: [...(say === undefined ? [] : [{ type: 'text' as const, text: say }]), ...content],
        ...message,
      };
    },
  };
}

const blocksSchema = z.array(z.looseObject({ type: z.string() }));
const textSchema = z.looseObject({ type: z.literal('text'), text: z.string() });
const resultSchema = z.looseObject({
  type: z.literal('tool_result'),
  is_error: z.boolean().optional(),
  content: blocksSchema,
});

export interface SeenResult {
  isError: boolean;
  text: string;
  images: number;
}

/** What the last message of a request tells of tools. */
export function resultsIn(request: ReceivedRequest | undefined): SeenResult[] {
  const content = blocksSchema.safeParse(request?.messages.at(-1)?.content);
  return (content.data ?? []).flatMap((block) => {
    const result = resultSchema.safeParse(block);
    if (!result.success) return [];
    return [
      {
        isError: result.data.is_error === true,
        text: result.data.content.flatMap((inner) => textSchema.safeParse(inner).data?.text ?? []).join('\n'),
        images: result.data.content.filter(({ type }) => type === 'image').length,
      },
    ];
  });
}

/** The plain text of the last message of a request, tool results apart. */
export function saidIn(request: ReceivedRequest | undefined): string {
  const content = blocksSchema.safeParse(request?.messages.at(-1)?.content);
  return (content.data ?? []).flatMap((block) => textSchema.safeParse(block).data?.text ?? []).join('\n');
}

/** The first thing that a run was told. */
export function openingOf(request: ReceivedRequest | undefined): string {
  const content = blocksSchema.safeParse(request?.messages[0]?.content);
  return (content.data ?? []).flatMap((block) => textSchema.safeParse(block).data?.text ?? []).join('\n');
}

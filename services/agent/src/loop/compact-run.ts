import { shorten } from '@atelier/shared/text/shorten';
import { asData } from '../tools/untrusted-text.ts';
import { textOf, toolUsesOf, type RunStep, type SaidBlock, type ToolResult } from './step.ts';

/** Characters of one line about a past tool use, and of a result that is kept whole. */
const MAX_LINE_CHARS = 300;
const MAX_RESULT_CHARS = 4_000;
/** Replies whose results are kept whole. */
const KEPT_REPLIES = 2;
const MAX_LINES = 60;

/**
 * What stands for a long run: how it began and the state of things word for word (draft, open jobs, preferences), a line
 * for each past tool use, and the last results whole. No reply of the model is repeated, since its thinking belongs to the
 * conversation in which it thought.
 *
 * @param state the current draft, open jobs and preferences, as they are now.
 */
export function compactRun(steps: readonly RunStep[], results: readonly ToolResult[], state: string): SaidBlock[] {
  const opening = steps[0]?.kind === 'user' ? steps[0].content : [];
  const replies = steps.filter((step) => step.kind === 'reply');
  const recent = replies.slice(-KEPT_REPLIES);
  const lines = replies.slice(0, -KEPT_REPLIES).flatMap((reply) => {
    const said = textOf(reply.content);
    return [
      ...(said === '' ? [] : [`you said: ${shorten(said, MAX_LINE_CHARS)}`]),
      ...toolUsesOf(reply.content).map((use) => {
        const result = resultOf(results, reply.seq, use.id);
        return shorten(`${use.name} ${JSON.stringify(use.input)} → ${result}`, MAX_LINE_CHARS);
      }),
    ];
  });
  const kept = recent.flatMap((reply) =>
    toolUsesOf(reply.content).map(
      (use) =>
        `${use.name} ${shorten(JSON.stringify(use.input), MAX_LINE_CHARS)}\n→ ${shorten(resultOf(results, reply.seq, use.id), MAX_RESULT_CHARS)}`,
    ),
  );
  const told = steps.slice(1).flatMap((step) => (step.kind === 'user' ? step.content : []));
  const text = [
    'This run became long; its earlier steps are summed up here.',
    `<state>\n${state}\n</state>`,
    `Steps so far:\n${asData(lines.slice(-MAX_LINES).join('\n'))}`,
    `Last results:\n${asData(kept.join('\n\n'))}`,
    'Go on from here.',
  ].join('\n\n');
  return [
    ...opening.filter(({ type }) => type === 'text'),
    ...told.filter(({ type }) => type === 'text'),
    { type: 'text', text },
  ];
}

function resultOf(results: readonly ToolResult[], seq: number, toolUseId: string): string {
  const result = results.find((candidate) => candidate.seq === seq && candidate.toolUseId === toolUseId);
  const text =
    result?.content.map((block) => (block.type === 'text' ? block.text : '[picture]')).join(' ') ?? 'nothing';
  return result?.isError === true ? `error: ${text}` : text;
}

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildMessages } from './build-messages.ts';
import { parseStep, writeStep, type RunStep, type ToolResult } from './step.ts';

const noImages = () => Promise.resolve(undefined);

/** A run as the loop makes them: it begins with what was said, and every use has its result. */
const anyRun = fc
  .array(
    fc.record({
      uses: fc.integer({ min: 0, max: 3 }),
      silent: fc.boolean(),
      after: fc.constantFrom('reply', 'user', 'compact'),
    }),
    { maxLength: 8 },
  )
  .map((plan) => {
    const steps: RunStep[] = [
      { kind: 'user', seq: 0, content: [{ type: 'text', text: 'hello' }], cause: { kind: 'message', jobIds: [] } },
    ];
    const results: ToolResult[] = [];
    for (const { uses, silent, after } of plan) {
      const seq = steps.length;
      const content = Array.from({ length: uses }, (_, index) => ({
        type: 'tool_use',
        id: `t${index}`,
        name: 'look',
        input: {},
      }));
      steps.push({
        kind: 'reply',
        seq,
        content: uses === 0 && silent ? [] : [{ type: 'text', text: 'hm' }, ...content],
        stopReason: 'tool_use',
        contextTokens: 1,
      });
      for (const { id } of content)
        results.push({
          seq,
          toolUseId: id,
          tool: 'look',
          isError: false,
          content: [{ type: 'image', hash: 'x', mediaType: 'image/png' }],
          jobIds: [],
        });
      // After words alone the loop ends, unless something more is said.
      if (after === 'compact')
        steps.push({ kind: 'compact', seq: seq + 1, content: [{ type: 'text', text: 'so far' }] });
      else if (after === 'user' || uses === 0)
        steps.push({
          kind: 'user',
          seq: seq + 1,
          content: [{ type: 'text', text: 'news' }],
          cause: { kind: 'failure', jobIds: [] },
        });
    }
    return { steps, results };
  });

test('every run is a conversation: roles alternate, the person begins and ends it, every use has its result next', async () => {
  await fc.assert(
    fc.asyncProperty(anyRun, async ({ steps, results }) => {
      const messages = await buildMessages(steps, results, noImages);
      expect(messages.map(({ role }) => role)).toEqual(
        messages.map((_, index) => (index % 2 === 0 ? 'user' : 'assistant')),
      );
      expect(messages.at(-1)?.role).toBe('user');
      for (const [index, message] of messages.entries()) {
        expect(message.content.length).toBeGreaterThan(0);
        const owed = message.content.flatMap((block) =>
          block.type === 'tool_use' && 'id' in block ? [block['id']] : [],
        );
        const next = messages[index + 1]?.content ?? [];
        const given = next.flatMap((block) =>
          block.type === 'tool_result' && 'toolUseId' in block ? [block.toolUseId] : [],
        );
        expect(message.role === 'assistant' ? given : []).toEqual(message.role === 'assistant' ? owed : []);
      }
    }),
    { seed: 3, numRuns: 150 },
  );
});

test('the same steps give the same beginning: what was sent is found in the cache', async () => {
  await fc.assert(
    fc.asyncProperty(anyRun, async ({ steps, results }) => {
      const stored = steps.map((step) => parseStep(writeStep(step)));
      expect(stored).toEqual(steps);
      expect(await buildMessages(stored, results, noImages)).toEqual(await buildMessages(steps, results, noImages));
    }),
    { seed: 4, numRuns: 50 },
  );
});

import { z } from 'zod';
import { defineTool, refuse } from './tool.ts';
import { asData } from './untrusted-text.ts';

const MAX_PREFERENCES = 40;
const MAX_NOTES_CHARS = 2_000;

/** What is remembered of a person, everywhere, and of a conversation. */
export const memoryTool = defineTool({
  name: 'memory',
  description:
    'Remember, forget or recall a lasting preference of the person (key: aspect, style, model, …), or with key "conversation" what to keep in mind here (replaces what was kept).',
  input: z.object({
    action: z.enum(['remember', 'forget', 'recall']),
    key: z.string().max(60).optional(),
    value: z.string().max(MAX_NOTES_CHARS).optional(),
  }),
  readOnly: false,
  forDoors: true,
  timeoutMs: 10_000,
  async execute({ action, key, value }, { reads, requester }) {
    const [preferences, session] = await Promise.all([
      reads.preferences(requester.personId),
      reads.session(requester.sessionId),
    ]);
    if (action === 'recall') {
      const lines = preferences.map((preference) => `${preference.key}: ${preference.value}`);
      const notes = session?.notes ?? '';
      return {
        kind: 'result',
        content: asData([...lines, ...(notes === '' ? [] : [`conversation: ${notes}`])].join('\n') || 'nothing'),
      };
    }
    const name = key?.trim().toLowerCase() ?? '';
    if (name === '') return refuse('Give a key.');
    const text = action === 'forget' ? undefined : value?.trim();
    if (action === 'remember' && (text === undefined || text === '')) return refuse('Give a value.');
    if (name === 'conversation') {
      return { kind: 'result', content: 'Kept.', effects: { notes: text ?? '' } };
    }
    if (
      action === 'remember' &&
      preferences.length >= MAX_PREFERENCES &&
      !preferences.some((known) => known.key === name)
    ) {
      return refuse(`${MAX_PREFERENCES} preferences are kept already; forget one first.`);
    }
    return {
      kind: 'result',
      content: action === 'forget' ? 'Forgotten.' : 'Remembered.',
      effects: { preference: { key: name, ...(text === undefined ? {} : { value: text.slice(0, 300) }) } },
    };
  },
});

import { z } from 'zod';
import { defineTool, refuse } from './tool.ts';
import { asData } from './untrusted-text.ts';

/** Asks the person one question, and sleeps until they answer. */
export const askTool = defineTool({
  name: 'ask',
  description:
    'Ask the person one question, only when a wrong guess would waste their time. Write it and the choices in their language.',
  input: z.object({
    question: z.string().min(1).max(600),
    choices: z.array(z.string().min(1).max(60)).max(5).optional(),
  }),
  readOnly: false,
  forDoors: false,
  timeoutMs: 10_000,
  execute({ question, choices = [] }, context) {
    if (context.request === undefined) return Promise.resolve(refuse('Nobody can be asked here.'));
    const id = context.idOf('question');
    const answer = context.answers.find(({ questionId }) => questionId === id);
    if (answer === undefined) {
      return Promise.resolve({
        kind: 'ask',
        question: {
          id,
          kind: 'question',
          text: { en: question, zh: question },
          choices: choices.map((label, index) => ({ id: String(index + 1), label: { en: label, zh: label } })),
          allowText: true,
        },
      });
    }
    const chosen = answer.question.choices.find((choice) => choice.id === answer.choice)?.label.en;
    const said = [chosen, answer.text].filter((part) => part !== undefined && part !== null && part !== '');
    return Promise.resolve({ kind: 'result', content: `They answer:\n${asData(said.join(' — '))}` });
  },
});

/*
 * npm run agent -- --help
 *
 * One conversation in the terminal with the agent's own loop, prompt and tools, printing each step, so that anybody can
 * try a model: ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL (any compatible address), ANTHROPIC_MODEL. With COMFYUI_URL the nodes
 * and models are that server's, and jobs run there; without it, or with --dry-run, jobs are shown and not run.
 */
import { createInterface } from 'node:readline/promises';
import { z } from 'zod';
import { listRecipes } from '@atelier/comfyui/recipes/list-recipes';
import { parseRegistry } from '@atelier/comfyui/registry/parse-registry';
import { readRecordedObjectInfo } from '@atelier/comfyui/registry/recorded-registry';
import { runCommandLine, UsageError, type CommandCall } from '@atelier/shared/config/command-line';
import { languageSchema } from '@atelier/shared/contracts/identity';
import type { PendingQuestion } from '@atelier/shared/contracts/request';
import { AppError } from '@atelier/shared/errors/app-error';
import { createLogger } from '@atelier/shared/log/create-logger';
import { createClaudeModel } from '../adapters/claude-model.ts';
import { parseAgentConfig } from '../config.ts';
import { createCatalog } from '../core/catalog.ts';
import { connectComfyRunner } from './execute-on-comfyui.ts';
import { createMemoryConversation } from './memory-conversation.ts';
import { dollars } from '../loop/model-prices.ts';
import { createStepPrinter } from './print-steps.ts';

const options = {
  'dry-run': z.boolean().default(false),
  language: languageSchema.default('en'),
  out: z.string().min(1).default('pictures'),
};
const usage = `npm run agent -- "words" [options]

One conversation with the agent, each step printed. ANTHROPIC_API_KEY switches its model on; jobs run on the ComfyUI that
COMFYUI_URL names, and without one are only shown.

  --dry-run         shows jobs and runs none
  --language en|zh  of the conversation (en)
  --out DIR         where pictures go (pictures)`;
const say = (line: string): void => console.log(line);
const log = createLogger('agent', process.env['LOG_LEVEL'] ?? 'error');
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

async function main({ values, words }: CommandCall<typeof options>): Promise<number> {
  const opening = words.join(' ').trim();
  if (opening === '') throw new UsageError('Say what you want to see');
  // The platform's own addresses are not used here.
  const { claude, agent } = parseAgentConfig({
    NATS_URL: 'nats://127.0.0.1',
    DATABASE_URL: 'postgres://127.0.0.1/none',
    ...process.env,
  });
  if (!claude.enabled) {
    throw new AppError(
      'config',
      'Set ANTHROPIC_API_KEY (any text, where ANTHROPIC_BASE_URL is a server that needs none).',
    );
  }
  const comfyUrl = process.env['COMFYUI_URL'];
  const runner =
    comfyUrl === undefined || values['dry-run'] ? undefined : await connectComfyRunner(comfyUrl, values.out, say);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const objectInfo = runner?.objectInfo ?? readRecordedObjectInfo('0.8.0');
    if (runner === undefined) say('dry run: jobs are shown and not run');
    const conversation = createMemoryConversation({
      ...agent,
      model: createClaudeModel({ ...claude, log }),
      catalog: createCatalog([parseRegistry(objectInfo)], listRecipes()),
      language: values.language,
      sink: createStepPrinter(say),
      log,
      now: Date.now,
      askPerson: (question) => askInTerminal(terminal, question),
      ...(runner === undefined ? {} : { execute: runner.execute }),
    });
    for (
      let line = opening;
      line !== '';
      line = process.stdin.isTTY ? (await terminal.question('\nyou: ')).trim() : ''
    ) {
      const { end, cost } = await conversation.say(line, stop.signal);
      if (end.kind === 'cannot') say(`\n${end.why.en} (${end.reason})`);
      say(
        `\n${cost.modelCalls} calls, ${cost.inputTokens} tokens in, ${cost.cacheReadTokens} from the cache, ${cost.cacheWriteTokens} written to it, ${cost.outputTokens} out: ${dollars(cost.microDollars)}`,
      );
      if (end.kind === 'cannot') return 1;
    }
    return 0;
  } finally {
    terminal.close();
    await runner?.close();
  }
}

async function askInTerminal(
  terminal: ReturnType<typeof createInterface>,
  question: PendingQuestion,
): Promise<{ choice?: string; text?: string }> {
  say(`\n? ${question.text.en}`);
  for (const { id, label } of question.choices) say(`  ${id}: ${label.en}`);
  const answer = process.stdin.isTTY
    ? (await terminal.question('answer: ')).trim()
    : (question.choices[0]?.id ?? 'go on');
  return question.choices.some(({ id }) => id === answer) ? { choice: answer } : { text: answer };
}

try {
  process.exitCode = await runCommandLine({ usage, options, takesWords: true }, process.argv.slice(2), main);
} catch (error) {
  console.error(error instanceof AppError ? error.message : error);
  process.exitCode = 1;
}

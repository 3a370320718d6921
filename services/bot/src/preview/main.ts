import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { runCommandLine, type CommandCall } from '@atelier/shared/config/command-line';
import { renderPreviewPage } from './preview-page.ts';
import { cardPreviews } from './card-previews.ts';

const options = { out: z.string().min(1).optional() };
const usage = `npm run cards [-- --out FILE]

Writes every card, panel and form in the look of Discord and Telegram, in both languages, as one page and prints its path.

  --out FILE  where to (cards.html in .atelier)`;

async function main({ values }: CommandCall<typeof options>): Promise<number> {
  const file = resolve(values.out ?? join(process.env['ATELIER_HOME'] ?? '.atelier', 'cards.html'));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, await renderPreviewPage(cardPreviews()));
  process.stdout.write(`${file}\n`);
  return 0;
}

process.exitCode = await runCommandLine({ usage, options }, process.argv.slice(2), main);

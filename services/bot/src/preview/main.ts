import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { renderPreviewPage } from './preview-page.ts';
import { cardPreviews } from './card-previews.ts';

const { values } = parseArgs({ options: { out: { type: 'string' } } });
const file = resolve(values.out ?? join(process.env['ATELIER_HOME'] ?? '.atelier', 'cards.html'));
await mkdir(dirname(file), { recursive: true });
await writeFile(file, await renderPreviewPage(cardPreviews()));
process.stdout.write(`${file}\n`);

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { expect, test } from 'vitest';

function folderOf(name: string): string {
  return fileURLToPath(new URL(`../../packages/${name}/`, import.meta.url));
}

interface Example {
  section: string;
  code: string;
  /** What stands behind `// →`. */
  prints: string[];
}

function readExamples(packageName: string): Example[] {
  const readme = readFileSync(`${folderOf(packageName)}README.md`, 'utf8');
  return [...readme.matchAll(/^## (.+)$(?:(?!^## )[\s\S])*?^```ts\n([\s\S]*?)^```$/gm)].map(
    ([, section = '', code = '']) => ({
      section,
      code,
      prints: [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, text = '']) => text),
    }),
  );
}

/** As a program that somebody typed into a file of the package. */
async function run(packageName: string, code: string, env: Record<string, string> = {}): Promise<string[]> {
  const args = ['--input-type=module-typescript', '--eval', code];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: folderOf(packageName),
    env: { ...process.env, ...env, NO_COLOR: '1' },
  });
  return stdout.trimEnd().split('\n');
}

async function withSimulator<T>(use: (url: string) => Promise<T>): Promise<T> {
  const simulator = createSimulator({ speed: 0 });
  try {
    return await use((await simulator.start()).url);
  } finally {
    await simulator.stop();
  }
}

const examples = readExamples('comfyui');

test('each folder that the README lists has an example', () => {
  expect(examples.map(({ section }) => section)).toEqual([
    'registry',
    'validate',
    'graph',
    'notation',
    'recipes',
    'convert',
    'metadata',
    'policy',
    'client',
  ]);
});

test.each(examples)('the example of $section prints what it says', async ({ section, code, prints }) => {
  expect(prints.length).toBeGreaterThan(1);
  const printed =
    section === 'client'
      ? await withSimulator((url) => run('comfyui', code, { COMFYUI_URL: url }))
      : await run('comfyui', code);
  expect(printed).toEqual(prints);
});

test.each(readExamples('comfyui-sim'))('the simulator’s example of $section prints what it says', async (example) => {
  expect(example.prints).toHaveLength(4);
  expect(await run('comfyui-sim', example.code)).toEqual(example.prints);
});

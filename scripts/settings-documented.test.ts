import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** Every file that declares settings. */
const declaring = [
  ...globSync('services/*/src/config.ts'),
  ...globSync('services/bot/src/*-settings.ts'),
  ...globSync('packages/shared/src/config/*-settings.ts'),
];
const declared = /^ {2}([A-Z][A-Z0-9_]{3,}): /gm;

it('every setting is explained in docs/settings.md', () => {
  const documented = new Set(readFileSync('docs/settings.md', 'utf8').match(/[A-Z][A-Z0-9_]{3,}/g));
  const names = declaring.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(declared)].map(([, name = '']) => name),
  );
  expect(names.length).toBeGreaterThan(40);
  expect(names.filter((name) => !documented.has(name))).toEqual([]);
});

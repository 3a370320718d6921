import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const script = join(import.meta.dirname, 'sum-results.mjs');
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atelier-sum-'));
});

afterAll(() => rm(dir, { recursive: true, force: true }));

async function sum(
  report: unknown,
  checkCode: number,
  testCode: number,
): Promise<{ line: string; code: number | null }> {
  const file = join(dir, 'results.json');
  await writeFile(file, typeof report === 'string' ? report : JSON.stringify(report));
  const { stdout, status } = spawnSync(process.execPath, [script, file, String(checkCode), String(testCode)], {
    encoding: 'utf8',
  });
  return { line: stdout, code: status };
}

const failedTest = { status: 'failed', assertionResults: [{ status: 'passed' }, { status: 'failed' }] };
const brokenFile = { status: 'failed', assertionResults: [] };
const goodFile = { status: 'passed', assertionResults: [{ status: 'passed' }] };

test('all is well: the check counts as one', async () => {
  const report = { numPassedTests: 12, numFailedTests: 0, testResults: [goodFile] };
  expect(await sum(report, 0, 0)).toEqual({ line: '13 passed, 0 failed\n', code: 0 });
});

test('a failed test counts once, a file that does not load too', async () => {
  const report = { numPassedTests: 12, numFailedTests: 1, testResults: [goodFile, failedTest, brokenFile] };
  expect(await sum(report, 0, 1)).toEqual({ line: '13 passed, 2 failed\n', code: 1 });
});

test('a failed check fails the run', async () => {
  const report = { numPassedTests: 12, numFailedTests: 0, testResults: [goodFile] };
  expect(await sum(report, 1, 0)).toEqual({ line: '12 passed, 1 failed\n', code: 1 });
});

test.each([
  ['no report', ''],
  ['an error outside every test', { numPassedTests: 3, numFailedTests: 0, testResults: [goodFile] }],
])('%s is a failure', async (_name, report) => {
  expect((await sum(report, 0, 1)).line).toMatch(/passed, 1 failed\n$/);
});

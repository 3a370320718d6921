// Sums up a CI run: node scripts/sum-results.mjs RESULTS.json CHECK_EXIT_CODE TEST_EXIT_CODE
// Prints "N passed, N failed" and exits with 1 when anything failed. The check counts as one test.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Counts from vitest's JSON report (undefined when there is none) and the two exit codes. */
function sumResults(report, checkCode, testCode) {
  let passed = report?.numPassedTests ?? 0;
  let failed = report?.numFailedTests ?? 0;
  // A file that could not even be loaded has no tests to count.
  failed += (report?.testResults ?? []).filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length;
  // No report, or an error outside every test: the exit code alone tells.
  if (testCode !== 0 && failed === 0) failed = 1;
  if (checkCode === 0) passed += 1;
  else failed += 1;
  return { passed, failed };
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  const [file, checkCode, testCode] = process.argv.slice(2);
  const { passed, failed } = sumResults(readReport(file), Number(checkCode), Number(testCode));
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

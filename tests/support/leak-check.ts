/**
 * Fails a test file that leaves something open: a server, a socket, a child process, a file watcher.
 * vitest loads this before each file; its hook was registered first, so it runs after all hooks of the file.
 */
import { afterAll } from 'vitest';
import { findLeaks } from './find-leaks.ts';

const settleMs = 3_000;
const pollMs = 20;
const before = process.getActiveResourcesInfo();

afterAll(async () => {
  const deadline = performance.now() + settleMs;
  // A closed socket takes a turn or two of the event loop to go.
  let leaks = findLeaks(before, process.getActiveResourcesInfo());
  while (leaks.length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    leaks = findLeaks(before, process.getActiveResourcesInfo());
  }
  if (leaks.length > 0)
    throw new Error(`This test file leaves open: ${leaks.join(', ')}. Close what it opened in afterAll or afterEach.`);
});

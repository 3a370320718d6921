import { createServer } from 'node:net';
import { expect, test, vi } from 'vitest';
import { findLeaks } from './find-leaks.ts';

test('only what is more than before counts, and timers do not', () => {
  expect(findLeaks(['PipeWrap', 'TCPSocketWrap'], ['PipeWrap', 'TCPSocketWrap', 'Timeout', 'Immediate'])).toEqual([]);
  expect(findLeaks(['PipeWrap'], ['PipeWrap', 'ProcessWrap', 'TCPServerWrap', 'TCPServerWrap'])).toEqual([
    '2 × a listening server (TCPServerWrap)',
    '1 × a child process (ProcessWrap)',
  ]);
});

test('a server left listening is found, and no longer when it is closed', async () => {
  const before = process.getActiveResourcesInfo();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  expect(findLeaks(before, process.getActiveResourcesInfo())).toEqual(['1 × a listening server (TCPServerWrap)']);
  server.close();
  await vi.waitFor(() => expect(findLeaks(before, process.getActiveResourcesInfo())).toEqual([]), 10_000);
});

import { expect, it } from 'vitest';
import { createLiveBoard } from './live-board.ts';

const requestId = '11111111-1111-4111-8111-111111111111';
const message = (jobId: string, fraction: number) => ({ jobId, requestId, fraction, elapsedMs: 1 });

it('keeps the latest of each job, and forgets the ended', () => {
  const board = createLiveBoard();
  board.takeProgress(message('a', 0.1));
  board.takeProgress(message('a', 0.2));
  board.takePreview({ jobId: 'a', requestId, mediaType: 'image/jpeg', base64: 'AAAA' });
  expect(board.progress.get('a')?.fraction).toBe(0.2);
  expect(board.preview('a')?.base64).toBe('AAAA');
  board.forget('a');
  expect(board.progress.size).toBe(0);
  expect(board.preview('a')).toBeUndefined();
});

it('is bounded, and gives up what was silent longest', () => {
  const board = createLiveBoard();
  board.takeProgress(message('quiet', 0.1));
  board.takeProgress(message('lively', 0.1));
  for (let index = 0; index < 255; index++) {
    board.takeProgress(message(`job ${index}`, 0.5));
    board.takeProgress(message('lively', 0.5));
  }
  expect(board.progress.size).toBe(256);
  expect(board.progress.has('quiet')).toBe(false);
  expect(board.progress.has('lively')).toBe(true);
});

it('keeps the latest words of each request', () => {
  const board = createLiveBoard();
  const reply = (seq: number, text: string) => ({
    requestId: '11111111-1111-4111-8111-111111111111',
    seq,
    text,
    tools: [],
  });
  expect(board.takeReply(reply(2, 'two'))).toBe(true);
  expect(board.takeReply(reply(1, 'one'))).toBe(false);
  expect(board.replies.get(reply(0, '').requestId)?.text).toBe('two');
  board.forgetReply(reply(0, '').requestId);
  expect(board.replies.size).toBe(0);
});

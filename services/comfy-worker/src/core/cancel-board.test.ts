import { expect, it } from 'vitest';
import { createCancelBoard } from './cancel-board.ts';

it('hears a wish that came before its job, and forgets it when the job is over', () => {
  const board = createCancelBoard();
  board.request('a');
  expect(board.signalOf('a').aborted).toBe(true);
  board.forget('a');
  expect(board.signalOf('a').aborted).toBe(false);
});

it('reaches the job at hand however many wishes for other jobs came meanwhile', () => {
  const board = createCancelBoard();
  const atHand = board.signalOf('at hand');
  for (let count = 0; count < 3_000; count++) board.request(`elsewhere ${count}`);
  board.request('at hand');
  expect(atHand.aborted).toBe(true);
  expect(board.signalOf('elsewhere 0').aborted).toBe(false);
  expect(board.signalOf('elsewhere 2999').aborted).toBe(true);
});

import { describe, expect, it } from 'vitest';
import { faultSchema } from './fault.ts';
import type { FaultInput } from './fault.ts';
import { createFaultBoard } from './fault-board.ts';

const fault = (input: FaultInput) => faultSchema.parse(input);
const place = (nodeClass: string) => ({ nodeId: '3', nodeClass, promptId: 'p' });
const { signal } = new AbortController();

describe('the fault board', () => {
  it('strikes as often as asked, at the node asked for', () => {
    const board = createFaultBoard();
    board.add(fault({ kind: 'out-of-memory', nodeClass: 'KSampler', times: 2 }));
    expect(board.takeNodeFault(place('VAEDecode'))).toBeUndefined();
    expect(board.takeNodeFault(place('KSampler'))?.exceptionType).toBe('torch.OutOfMemoryError');
    expect(board.takeNodeFault(place('KSampler'))).toBeDefined();
    expect(board.takeNodeFault(place('KSampler'))).toBeUndefined();
    expect(board.active()).toEqual([]);
  });

  it('loses the same messages at the same seed', () => {
    const lost = (): boolean[] => {
      const board = createFaultBoard();
      board.add(fault({ kind: 'drop-events', types: ['progress'], probability: 0.5, seed: 7 }));
      return Array.from({ length: 40 }, () => board.losesMessage('progress', 'c'));
    };
    expect(lost()).toEqual(lost());
    expect(new Set(lost())).toEqual(new Set([true, false]));
    const board = createFaultBoard();
    board.add(fault({ kind: 'drop-events', types: ['progress'] }));
    expect(board.losesMessage('executing', 'c')).toBe(false);
    board.add(fault({ kind: 'silent-socket', clientId: 'c' }));
    expect(board.losesMessage('executing', 'c')).toBe(true);
    expect(board.losesMessage('executing', 'd')).toBe(false);
  });

  it('wakes those who wait when the last of their faults is lifted', async () => {
    const board = createFaultBoard();
    board.add(fault({ kind: 'hang' }));
    board.add(fault({ kind: 'executor-dead' }));
    const seen: string[] = [];
    const waiting = board.whileNone(['hang', 'executor-dead'], signal).then(() => seen.push('free'));
    board.clear('hang');
    await Promise.resolve();
    expect(seen).toEqual([]);
    board.clear('executor-dead');
    await waiting;
    expect(seen).toEqual(['free']);
  });

  it('gives up waiting with the session', async () => {
    const board = createFaultBoard();
    board.add(fault({ kind: 'hang' }));
    const ended = new AbortController();
    const waiting = board.whileNone(['hang'], ended.signal);
    ended.abort(new Error('over'));
    await expect(waiting).rejects.toThrow('over');
  });

  it('refuses faults that are none', () => {
    expect(faultSchema.safeParse({ kind: 'flood' }).success).toBe(false);
    expect(faultSchema.safeParse({ kind: 'slow-post', delayMs: -1 }).success).toBe(false);
    expect(faultSchema.safeParse({ kind: 'hang', unknown: 1 }).success).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { streams, subjects, type SubjectKind } from './subjects.ts';

interface Row {
  key: string;
  kind: SubjectKind;
  subject: string;
  stream: string | undefined;
  hasAnswer: boolean;
  publishers: readonly string[];
  consumers: readonly string[];
}

const rows = Object.entries(subjects).map(([key, spec]): Row => ({
  key,
  kind: spec.kind,
  subject: spec.subject,
  stream: 'stream' in spec ? spec.stream : undefined,
  hasAnswer: spec.answer !== undefined,
  publishers: spec.publishers,
  consumers: spec.consumers,
}));
const placeholder = /^\{[a-z][A-Za-z]*\}$/;
const isOpen = (part: string): boolean => part === '*' || placeholder.test(part);

/** Whether some subject matches both patterns; `{x}` and `*` stand for one token, `>` for one or more. */
function overlap(left: string[], right: string[]): boolean {
  const [a, ...restA] = left;
  const [b, ...restB] = right;
  if (a === undefined || b === undefined) return a === b;
  if (a === '>' || b === '>') return true;
  return (a === b || isOpen(a) || isOpen(b)) && overlap(restA, restB);
}

const overlaps = (left: string, right: string): boolean => overlap(left.split('.'), right.split('.'));
const filters = Object.entries(streams).flatMap(([stream, spec]) =>
  spec.subjects.map((filter): { stream: string; filter: string } => ({ stream, filter })),
);
const pairs = <T>(items: T[]): [T, T][] =>
  items.flatMap((left, index) => items.slice(index + 1).map((right): [T, T] => [left, right]));

describe('the table of subjects', () => {
  it.each(rows)('$key has a versioned subject whose tokens stand alone', ({ subject }) => {
    expect(subject).toMatch(/^[a-z]+\.v\d+\.[a-z]+(?:\.(?:[a-z]+|\{[a-z][A-Za-z]*\}))*$/);
    const names = subject.split('.').filter(isOpen);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(rows)('$key is kept by its stream and by no other', ({ kind, subject, stream }) => {
    const keeping = filters.filter(({ filter }) => overlaps(filter, subject)).map((each) => each.stream);
    expect(keeping).toEqual(kind === 'stream' ? [stream] : []);
  });

  it.each(pairs(rows))('$0.key and $1.key never meet', (left, right) => {
    expect(overlaps(left.subject, right.subject)).toBe(false);
  });

  it.each(rows)('$key is answered exactly where it is a question', ({ kind, hasAnswer }) => {
    expect(hasAnswer).toBe(kind === 'control');
  });

  it.each(rows)('$key has somebody to send it and somebody to hear it', ({ publishers, consumers }) => {
    expect(publishers.length).toBeGreaterThan(0);
    expect(consumers.length).toBeGreaterThan(0);
    expect(new Set(publishers).size).toBe(publishers.length);
    expect(new Set(consumers).size).toBe(consumers.length);
  });

  it('has streams that share no subject', () => {
    for (const [left, right] of pairs(filters)) expect(overlaps(left.filter, right.filter)).toBe(false);
    expect(filters.length).toBeGreaterThan(1);
  });

  it('has one service for each subject of a work queue, since it takes one consumer', () => {
    const queues = rows.filter(
      ({ stream }) => stream !== undefined && stream in streams && retentionOf(stream) === 'workqueue',
    );
    expect(queues.length).toBeGreaterThan(0);
    for (const { consumers } of queues) expect(consumers).toHaveLength(1);
  });
});

function retentionOf(stream: string): string | undefined {
  return Object.entries(streams).find(([name]) => name === stream)?.[1].retention;
}

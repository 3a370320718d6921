/** Days in seconds: no prompt of a trace ran longer. */
const maxSeconds = 86_400;
const maxRows = 1_000_000;

/**
 * Reads service times from a trace: CSV without quotes whose column `execution_s` has seconds, or, without a header, one number a
 * line. Rows without a time, of requests that never ran, are left out.
 *
 * @returns milliseconds, in the order of the rows; at least one.
 * @throws TypeError that names the row.
 */
export function parseTrace(text: string): number[] {
  const rows = text.split(/\r?\n/).filter((row) => row.trim() !== '');
  if (rows.length > maxRows) throw new TypeError(`The trace has ${rows.length} rows; at most ${maxRows} are read.`);
  const header = rows[0]?.split(',').map((name) => name.trim()) ?? [];
  const column = header.indexOf('execution_s');
  const times = rows.slice(column === -1 ? 0 : 1).flatMap((row, index) => {
    const cell = (row.split(',')[Math.max(0, column)] ?? '').trim();
    if (cell === '' && column !== -1) return [];
    const seconds = Number(cell);
    if (cell === '' || !(seconds >= 0 && seconds <= maxSeconds)) {
      throw new TypeError(
        `Row ${index + (column === -1 ? 1 : 2)} of the trace: "${cell.slice(0, 40)}" is no number of seconds. Give one a line, or a column execution_s.`,
      );
    }
    return [Math.round(seconds * 1_000)];
  });
  if (times.length === 0) throw new TypeError('The trace has no service times.');
  return times;
}

/** Gives the times in turn, one a prompt, from the start again when they are used up. */
export function createTraceTimes(times: readonly number[]): () => number | undefined {
  let next = 0;
  return () => {
    const time = times[next % times.length];
    next += 1;
    return time;
  };
}

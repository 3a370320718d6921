import { describe, expect, it } from 'vitest';
import { createProgressLine, drawBar } from './progress-line.ts';

function record(isTTY: boolean): { text: () => string; output: Parameters<typeof createProgressLine>[0] } {
  const written: string[] = [];
  return { text: () => written.join(''), output: { isTTY, columns: 80, write: (text) => void written.push(text) } };
}

describe('createProgressLine', () => {
  it('draws one line over and over on a terminal', () => {
    const { text, output } = record(true);
    const line = createProgressLine(output);
    line.show('waiting');
    line.show('drawing', 0.5);
    line.end();
    expect(text()).toBe(`\r\u001B[2Kwaiting\r\u001B[2K${drawBar(0.5)} drawing\n`);
  });

  it('prints each new text once elsewhere', () => {
    const { text, output } = record(false);
    const line = createProgressLine(output);
    line.show('drawing', 0.1);
    line.show('drawing', 0.2);
    line.show('storing', 1);
    line.end();
    expect(text()).toBe('drawing\nstoring\n');
  });

  it.each([
    [-1, '  0 %'],
    [0.625, ' 63 %'],
    [2, '100 %'],
  ])('shows %d as %s', (fraction, end) => {
    expect(drawBar(fraction).endsWith(end)).toBe(true);
    expect(drawBar(fraction).replace(/ .*/, '')).toHaveLength(24);
  });
});

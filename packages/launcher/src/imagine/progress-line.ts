/** Where the bar is drawn. */
export interface ProgressOutput {
  write(text: string): void;
  isTTY: boolean;
  columns: number;
}

export interface ProgressLine {
  /** `fraction` from 0 to 1; undefined while there is nothing to measure. */
  show(text: string, fraction?: number): void;
  /** Ends the line. */
  end(): void;
}

const barWidth = 24;

/** One line that is drawn over and over on a terminal; elsewhere, a line each time the text changes. */
export function createProgressLine(output: ProgressOutput): ProgressLine {
  let last = '';
  return {
    show(text, fraction) {
      const bar = fraction === undefined ? '' : `${drawBar(fraction)} `;
      const line = `${bar}${text}`;
      if (output.isTTY) {
        output.write(`\r\u001B[2K${line.slice(0, Math.max(20, output.columns - 1))}`);
      } else if (text !== last) {
        output.write(`${text}\n`);
      }
      last = text;
    },
    end() {
      if (output.isTTY && last !== '') output.write('\n');
      last = '';
    },
  };
}

/** `━━━━━━╌╌╌╌  62 %` */
export function drawBar(fraction: number): string {
  const bounded = Math.min(1, Math.max(0, fraction));
  const full = Math.round(bounded * barWidth);
  return `${'━'.repeat(full)}${'╌'.repeat(barWidth - full)} ${String(Math.round(bounded * 100)).padStart(3)} %`;
}

import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

export interface LogFile {
  write(line: string): void;
  close(): void;
}

/** A log file that is moved to `<file>.1` when it has grown to `maxBytes`, so that two files at most are kept. */
export function openLogFile(file: string, maxBytes = 10_000_000): LogFile {
  let descriptor = openSync(file, 'a', 0o600);
  let size = fstatSync(descriptor).size;
  return {
    write(line) {
      if (size >= maxBytes) {
        closeSync(descriptor);
        renameSync(file, `${file}.1`);
        descriptor = openSync(file, 'a', 0o600);
        size = 0;
      }
      size += writeSync(descriptor, `${line}\n`);
    },
    close: () => closeSync(descriptor),
  };
}

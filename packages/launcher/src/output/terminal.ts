import { join } from 'node:path';
import { formatLine, prefixLine } from './format-line.ts';
import { openLogFile, type LogFile } from './log-file.ts';

/** Where the launcher and its processes write: all of it to a file a process, what people need to the terminal. */
export interface Terminal {
  /** A line of the launcher's own. */
  say(text: string): void;
  /** Something about a process that people should know. */
  notice(name: string, text: string): void;
  /** A line that a process printed. */
  line(name: string, text: string): void;
  close(): void;
}

/** @param minLevel log lines below this level go only to the files. */
export function createTerminal(logsDir: string, minLevel: string, print: (text: string) => void): Terminal {
  const files = new Map<string, LogFile>();
  let closed = false;
  const write = (name: string, text: string) => {
    // The last words of a process that was ended may come when all is closed.
    if (closed) return;
    const file = files.get(name) ?? openLogFile(join(logsDir, `${name}.log`));
    files.set(name, file);
    file.write(text);
  };
  return {
    say: print,
    notice(name, text) {
      write(name, text);
      print(prefixLine(name, text));
    },
    line(name, text) {
      write(name, text);
      const shown = formatLine(name, text, minLevel);
      if (shown !== undefined) print(shown);
    },
    close() {
      closed = true;
      for (const file of files.values()) file.close();
      files.clear();
    },
  };
}

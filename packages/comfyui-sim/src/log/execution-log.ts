import type { JsonObject } from '@atelier/comfyui/json/json';

/** One prompt that started to run. */
export interface ExecutionLogEntry {
  promptId: string;
  number: number;
  extraData: JsonObject;
  /** Milliseconds since 1970. */
  startedAt: number;
  endedAt?: number;
  /** `crashed`: the simulator crashed or stopped while it ran. */
  outcome?: 'success' | 'error' | 'interrupted' | 'crashed';
  executedNodes: number;
  cachedNodes: number;
}

/** What ran on the simulated GPU since the simulator was made; crashes do not clear it, so that repeats can be counted. */
export interface ExecutionLog {
  begin: (entry: Pick<ExecutionLogEntry, 'promptId' | 'number' | 'extraData' | 'startedAt'>) => ExecutionLogEntry;
  entries: () => readonly ExecutionLogEntry[];
}

/** @param maxEntries the oldest go first. */
export function createExecutionLog(maxEntries = 100_000): ExecutionLog {
  const entries: ExecutionLogEntry[] = [];
  return {
    begin: (start) => {
      const entry: ExecutionLogEntry = { ...start, executedNodes: 0, cachedNodes: 0 };
      entries.push(entry);
      if (entries.length > maxEntries) entries.splice(0, entries.length - maxEntries);
      return entry;
    },
    entries: () => entries,
  };
}

/** Names for values that differ from run to run, given in the order in which they are first seen. */
export interface Names {
  /** Replaces ids and temp prefixes in a text. */
  text: (value: string) => string;
  learnId: (id: string) => void;
}

/** One side's names: the recording's, or the replay's. */
export function createNames(): Names {
  const ids = new Map<string, string>();
  const prefixes = new Map<string, string>();
  return {
    learnId: (id) => {
      if (!ids.has(id)) ids.set(id, `<prompt ${ids.size + 1}>`);
    },
    text: (value) => {
      const known = ids.get(value);
      if (known !== undefined) return known;
      return value.replaceAll(/_temp_([a-z]{5})_/g, (_, letters: string) => {
        if (!prefixes.has(letters)) prefixes.set(letters, `_temp_<${prefixes.size + 1}>_`);
        return prefixes.get(letters) ?? '';
      });
    },
  };
}

const times = new Set(['timestamp', 'create_time', 'execution_start_time', 'execution_end_time']);
const memory = new Set(['ram_free', 'vram_free', 'torch_vram_free']);
/** Python sets: their order is chance. */
const sets = new Set(['executed', 'current_outputs']);

/** Makes a JSON value comparable: ids, times, free memory and the order of sets no longer differ. */
export function normalise(value: unknown, names: Names, key = ''): unknown {
  if (typeof value === 'number' && (times.has(key) || memory.has(key))) return `<${times.has(key) ? 'time' : 'bytes'}>`;
  if (typeof value === 'string') return names.text(value);
  // The recording's are shortened, and the validator's are empty.
  if (key === 'traceback' && Array.isArray(value)) return '<traceback>';
  if (Array.isArray(value)) {
    const items = value.map((item) => normalise(item, names));
    return sets.has(key) ? items.map(String).sort((a, b) => (a < b ? -1 : 1)) : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, member]) => [names.text(name), normalise(member, names, name)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

import { pythonHash } from './python-hash.ts';
import type { HashSecret, PythonHash } from './python-hash.ts';

interface Entry {
  key: string;
  hash: PythonHash;
}

/** Slots that CPython looks at in a row before it jumps (`LINEAR_PROBES`). */
const linearProbes = 9;
const smallestTable = 8;

/**
 * A Python `set` of texts, for its order alone: ComfyUI walks sets of input names and of output ids, and what it reports can depend on
 * which comes first. Follows CPython 3.11's `setobject.c` without removal.
 */
export class PythonSet {
  readonly #secret: HashSecret;
  #table: (Entry | undefined)[] = Array.from({ length: smallestTable });
  #used = 0;

  constructor(secret: HashSecret) {
    this.#secret = secret;
  }

  /** `set(a_dict)`: the table is sized for all keys before the first is added. */
  static fromKeys(keys: readonly string[], secret: HashSecret): PythonSet {
    const set = new PythonSet(secret);
    set.#reserve(keys.length);
    for (const key of keys) set.add(key);
    return set;
  }

  /** `this.union(other)` as a new set. */
  union(other: PythonSet): PythonSet {
    const result = new PythonSet(this.#secret);
    result.#merge(this);
    result.#merge(other);
    return result;
  }

  add(key: string): void {
    this.#addEntry({ key, hash: pythonHash(key, this.#secret) });
  }

  /** In the order in which Python iterates. */
  values(): string[] {
    return this.#table.filter((entry) => entry !== undefined).map((entry) => entry.key);
  }

  #addEntry(entry: Entry): void {
    const slot = this.#slotFor(entry);
    if (this.#table[slot] !== undefined) return;
    this.#table[slot] = entry;
    this.#used += 1;
    if (this.#used * 5 >= (this.#table.length - 1) * 3)
      this.#resize(this.#used > 50_000 ? this.#used * 2 : this.#used * 4);
  }

  #merge(other: PythonSet): void {
    if (other.#used === 0) return;
    this.#reserve(other.#used);
    if (this.#used === 0 && this.#table.length === other.#table.length) {
      this.#table = [...other.#table];
      this.#used = other.#used;
      return;
    }
    const fresh = this.#used === 0;
    for (const entry of other.#table) {
      if (entry === undefined) continue;
      if (fresh) this.#place(entry);
      else this.#addEntry(entry);
    }
  }

  #reserve(more: number): void {
    if ((this.#used + more) * 5 >= (this.#table.length - 1) * 3) this.#resize((this.#used + more) * 2);
  }

  #resize(minimum: number): void {
    let size = smallestTable;
    while (size <= minimum) size *= 2;
    const entries = this.#table;
    this.#table = Array.from({ length: size });
    this.#used = 0;
    for (const entry of entries) if (entry !== undefined) this.#place(entry);
  }

  #place(entry: Entry): void {
    this.#table[this.#slotFor(entry)] = entry;
    this.#used += 1;
  }

  /** The slot that holds the key, or the free one where it belongs. */
  #slotFor({ key, hash }: Entry): number {
    const mask = this.#table.length - 1;
    let { high, low } = hash;
    let slot = (low & mask) >>> 0;
    for (;;) {
      const last = slot + linearProbes <= mask ? slot + linearProbes : slot;
      for (let at = slot; at <= last; at += 1) {
        const found = this.#table[at];
        if (found === undefined || found.key === key) return at;
      }
      low = ((low >>> 5) | (high << 27)) >>> 0;
      high >>>= 5;
      slot = (Math.imul(slot, 5) + 1 + low) & mask;
    }
  }
}

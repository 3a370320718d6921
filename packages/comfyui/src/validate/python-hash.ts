/** A 64-bit hash as its two unsigned halves. */
export interface PythonHash {
  high: number;
  low: number;
}

/** The secret of one Python process, from which the hashes of all texts follow. */
export type HashSecret = Uint32Array;

/** The secret that Python derives from `PYTHONHASHSEED` (0 to 2^32-1; 0 switches randomisation off). */
export function hashSecret(seed: number): HashSecret {
  const bytes = new Uint8Array(16);
  let state = seed >>> 0;
  if (state !== 0) {
    for (let index = 0; index < bytes.length; index += 1) {
      state = (Math.imul(state, 214_013) + 2_531_011) >>> 0;
      bytes[index] = (state >>> 16) & 0xff;
    }
  }
  const view = new DataView(bytes.buffer);
  return Uint32Array.of(
    view.getUint32(0, true),
    view.getUint32(4, true),
    view.getUint32(8, true),
    view.getUint32(12, true),
  );
}

/** `hash(text)` in CPython 3.11 and later: SipHash-1-3 over one, two or four bytes a character. */
export function pythonHash(text: string, secret: HashSecret): PythonHash {
  if (text === '') return { high: 0, low: 0 };
  const bytes = storedBytes(text);
  const state = new SipState(secret);
  const whole = bytes.byteLength - (bytes.byteLength % 8);
  for (let at = 0; at < whole; at += 8) state.absorb(bytes.getUint32(at, true), bytes.getUint32(at + 4, true));
  let low = 0;
  let high = (bytes.byteLength & 0xff) << 24;
  for (let at = whole; at < bytes.byteLength; at += 1) {
    const place = at - whole;
    if (place < 4) low |= bytes.getUint8(at) << (8 * place);
    else high |= bytes.getUint8(at) << (8 * (place - 4));
  }
  state.absorb(low, high);
  const hash = state.finish();
  // -1 stands for an error in C, so Python moves it.
  return hash.high === 0xffffffff && hash.low === 0xffffffff ? { high: 0xffffffff, low: 0xfffffffe } : hash;
}

/** Python stores a text in the narrowest width that holds all of its characters. */
function storedBytes(text: string): DataView {
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const widest = codes.reduce((most, code) => Math.max(most, code), 0);
  const width = widest < 0x100 ? 1 : widest < 0x10000 ? 2 : 4;
  const view = new DataView(new ArrayBuffer(codes.length * width));
  for (const [index, code] of codes.entries()) {
    if (width === 1) view.setUint8(index, code);
    else if (width === 2) view.setUint16(index * 2, code, true);
    else view.setUint32(index * 4, code, true);
  }
  return view;
}

/** SipHash's four 64-bit words, each as a low and a high half: words[2n] and words[2n + 1]. */
class SipState {
  readonly #words: Uint32Array;

  constructor(secret: HashSecret) {
    const [k0 = 0, k0High = 0, k1 = 0, k1High = 0] = secret;
    this.#words = Uint32Array.of(
      k0 ^ 0x70736575,
      k0High ^ 0x736f6d65,
      k1 ^ 0x6e646f6d,
      k1High ^ 0x646f7261,
      k0 ^ 0x6e657261,
      k0High ^ 0x6c796765,
      k1 ^ 0x79746573,
      k1High ^ 0x74656462,
    );
  }

  absorb(low: number, high: number): void {
    this.#xor(6, low, high);
    this.#round();
    this.#xor(0, low, high);
  }

  finish(): PythonHash {
    this.#xor(4, 0xff, 0);
    this.#round();
    this.#round();
    this.#round();
    const [a = 0, aHigh = 0, b = 0, bHigh = 0, c = 0, cHigh = 0, d = 0, dHigh = 0] = this.#words;
    return { low: (a ^ b ^ c ^ d) >>> 0, high: (aHigh ^ bHigh ^ cHigh ^ dHigh) >>> 0 };
  }

  #round(): void {
    this.#half(0, 2, 13);
    this.#half(4, 6, 16);
    this.#swap(0);
    this.#half(4, 2, 17);
    this.#half(0, 6, 21);
    this.#swap(4);
  }

  /** word a += word b; word b = rotate(b, by) ^ a. */
  #half(a: number, b: number, by: number): void {
    const words = this.#words;
    const bLow = words[b] ?? 0;
    const bHigh = words[b + 1] ?? 0;
    const sum = (words[a] ?? 0) + bLow;
    const low = sum >>> 0;
    const high = ((words[a + 1] ?? 0) + bHigh + (sum > 0xffffffff ? 1 : 0)) >>> 0;
    words[a] = low;
    words[a + 1] = high;
    words[b] = ((bLow << by) | (bHigh >>> (32 - by))) ^ low;
    words[b + 1] = ((bHigh << by) | (bLow >>> (32 - by))) ^ high;
  }

  /** Rotating by 32 swaps the halves. */
  #swap(a: number): void {
    const words = this.#words;
    const low = words[a] ?? 0;
    words[a] = words[a + 1] ?? 0;
    words[a + 1] = low;
  }

  #xor(a: number, low: number, high: number): void {
    const words = this.#words;
    words[a] = (words[a] ?? 0) ^ low;
    words[a + 1] = (words[a + 1] ?? 0) ^ high;
  }
}

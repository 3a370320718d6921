import { describe, expect, it } from 'vitest';
import { isForeignOrigin } from './same-origin.ts';

describe('the origin check', () => {
  it.each([
    ['127.0.0.1:8188', 'http://evil.example', true],
    ['localhost:8188', 'http://evil.example:8188', true],
    ['localhost:8188', 'http://localhost:3000', true],
    ['[::1]:8188', 'https://evil.example', true],
    ['127.0.0.1:8188', 'http://127.0.0.1:8188', false],
    ['localhost:8188', 'http://localhost', false],
    ['localhost', 'http://localhost:8188', false],
    // Known holes: an opaque origin passes, and so does any origin at a public name.
    ['127.0.0.1:8188', 'null', false],
    ['gpu.example:8188', 'http://evil.example', false],
    ['127.0.0.1:8188', undefined, false],
    [undefined, 'http://evil.example', false],
  ])('host %s, origin %s: refused is %s', (host, origin, isRefused) => {
    expect(isForeignOrigin(host, origin)).toBe(isRefused);
  });
});

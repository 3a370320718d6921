import { describe, expect, test } from 'vitest';
import { isSupportedNatsVersion, parseNatsVersion } from './nats-version.ts';

describe('parseNatsVersion', () => {
  test.each([
    ['nats-server: v2.10.27\n', '2.10.27'],
    ['nats-server: v2.12.0-RC.1', '2.12.0'],
    ['nats-server version 1', undefined],
    ['', undefined],
  ])('%j is %j', (text, version) => {
    expect(parseNatsVersion(text)).toBe(version);
  });
});

describe('isSupportedNatsVersion', () => {
  test.each([
    ['2.9.10', false],
    ['2.9.99', false],
    ['1.99.0', false],
    ['2.10.0', true],
    ['2.10.27', true],
    ['2.11.0', true],
    ['3.0.0', true],
  ])('%s: %s', (version, supported) => {
    expect(isSupportedNatsVersion(version)).toBe(supported);
  });
});

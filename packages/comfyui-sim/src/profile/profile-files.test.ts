import { describe, expect, it } from 'vitest';
import { parseServiceProfile } from './parse-service-profile.ts';
import { createTraceTimes, parseTrace } from './parse-trace.ts';
import { defaultProfile } from './service-profile.ts';

describe('a profile from a file', () => {
  it('changes what it names and leaves the rest', () => {
    const profile = parseServiceProfile(
      '{"stepMs":{"flux":10},"loadMs":{"sdxl":7},"nodeMs":{"VAEDecode":3},"defaultNodeMs":0}',
    );
    expect(profile).toEqual({
      ...defaultProfile,
      stepMs: { ...defaultProfile.stepMs, flux: 10 },
      loadMs: { ...defaultProfile.loadMs, sdxl: 7 },
      nodeMs: { ...defaultProfile.nodeMs, VAEDecode: 3 },
      defaultNodeMs: 0,
    });
  });

  it.each([
    ['{"stepMs":{"fluxx":10}}', /fluxx/],
    ['{"steps":1}', /steps/],
    ['{"nodeMs":{"A":-1}}', /nodeMs/],
    ['[]', /expected object/],
    ['x', /Not valid JSON/],
  ])('%s is refused in words', (text, message) => {
    expect(() => parseServiceProfile(text)).toThrow(message);
  });
});

describe('a trace', () => {
  it('is read from a column or from lines alone, and given in turn', () => {
    const csv = 'arrival_s,status,execution_s\r\n0,SUCCEED,32.0\n4,CANCELLED,\n9,SUCCEED,0.25\n';
    expect(parseTrace(csv)).toEqual([32_000, 250]);
    expect(parseTrace('1\n2.5\n')).toEqual([1_000, 2_500]);
    const next = createTraceTimes([5, 6]);
    expect([next(), next(), next()]).toEqual([5, 6, 5]);
  });

  it.each([
    ['1\nmany', /Row 2 .*"many"/],
    ['a,execution_s\n1,x', /Row 2 .*"x"/],
    ['-1', /Row 1/],
    ['', /no service times/],
    ['execution_s\n', /no service times/],
  ])('%j is refused in words', (text, message) => {
    expect(() => parseTrace(text)).toThrow(message);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../errors/app-error.ts';
import { createSubjectNames, decodeToken, encodeToken } from './subject-names.ts';

describe('names on the server', () => {
  const plain = createSubjectNames(undefined);
  const ours = createSubjectNames('ours');

  it('puts tokens into the subject and takes them out again', () => {
    const subject = ours.subject('workerCommand', { instanceId: '10.0.0.5:8188' });
    expect(subject).toBe('ours.control.v1.worker.10%2E0%2E0%2E5:8188');
    expect(ours.tokens('workerCommand', subject)).toEqual({ instanceId: '10.0.0.5:8188' });
  });

  it('leaves open what a filter does not name', () => {
    expect(plain.filter('requestChanged', {})).toBe('events.v1.request.*');
    expect(plain.filter('requestChanged', { state: 'failed' })).toBe('events.v1.request.failed');
    expect(ours.filter('requestSubmitted', {})).toBe('ours.requests.v1.submitted');
  });

  it('refuses a subject with a hole', () => {
    expect(() => plain.subject('requestChanged', {})).toThrow(AppError);
    expect(() => plain.subject('requestChanged', { state: '' })).toThrow(/state/);
  });

  it('prefixes streams, their subjects and consumers', () => {
    expect(ours.stream('EVENTS')).toBe('ours_EVENTS');
    expect(ours.streamSubjects('EVENTS')).toEqual(['ours.events.v1.>']);
    expect(ours.consumer('bot')).toBe('ours_bot');
    expect(plain.stream('EVENTS')).toBe('EVENTS');
  });
});

describe('tokens', () => {
  it('survive the way there and back, as one token that NATS accepts', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (value) => {
        const token = encodeToken(value);
        expect(token).toMatch(/^[A-Za-z0-9_:@%-]+$/);
        expect(decodeToken(token)).toBe(value);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it('of others come back as they are', () => {
    expect(decodeToken('%E0%')).toBe('%E0%');
  });
});

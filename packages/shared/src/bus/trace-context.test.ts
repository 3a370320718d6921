import { headers } from '@nats-io/nats-core';
import { describe, expect, it } from 'vitest';
import { messageTrace, traceHeaders, traceparentOf } from './trace-context.ts';

const request = '6f2c8c43-8a37-4b0f-9d53-0a3f6a1c7f10';
const message = 'b4f5a3a2-3c53-4c0f-8f0a-5a7a1d7c9e21';

describe('the trace of a message', () => {
  it('is that of its request, and comes through headers', () => {
    const traceparent = '00-6f2c8c438a374b0f9d530a3f6a1c7f10-8f0a5a7a1d7c9e21-01';
    expect(traceparentOf(request, message)).toBe(traceparent);
    expect(messageTrace({ headers: traceHeaders(request, message) })).toEqual({ traceparent });
  });

  it('is left out where a sender gave none, or nonsense', () => {
    const broken = headers();
    broken.set('traceparent', '00-xyz');
    expect([messageTrace({}), messageTrace({ headers: broken })]).toEqual([{}, {}]);
  });
});

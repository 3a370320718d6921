import { headers, type MsgHdrs } from '@nats-io/nats-core';

const pattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/**
 * W3C Trace Context (version 00) of a message: the trace is its correlation id, which is the request's id wherever there is
 * one, and the span its own id. So whoever looks at traces finds a request by the id that logs and people know.
 */
export function traceparentOf(correlationId: string, messageId: string = correlationId): string {
  const trace = correlationId.replaceAll('-', '');
  return `00-${trace}-${messageId.replaceAll('-', '').slice(16)}-01`;
}

/** The headers that carry it. */
export function traceHeaders(correlationId: string, messageId?: string): MsgHdrs {
  const made = headers();
  made.set('traceparent', traceparentOf(correlationId, messageId));
  return made;
}

/** What a received message carries, as a part of its context; nothing where it cannot be read. */
export function messageTrace(message: { headers?: MsgHdrs | undefined }): { traceparent?: string } {
  const value = message.headers?.get('traceparent') ?? '';
  return pattern.test(value) ? { traceparent: value } : {};
}

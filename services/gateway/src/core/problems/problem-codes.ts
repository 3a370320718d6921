/**
 * Every way in which the HTTP interface refuses, as `code` of an `application/problem+json` answer (RFC 9457). The table is
 * what the documentation shows.
 */
export const problemCodes = {
  VALIDATION_ERROR: {
    status: 400,
    title: 'A field is missing or wrong',
    help: '`errors` names each field and what it must be.',
  },
  UNAUTHENTICATED: {
    status: 401,
    title: 'Sign in first',
    help: 'Send `Authorization: Bearer <token>`, or open a sign-in link. Tokens end, and can be revoked.',
  },
  FORBIDDEN: {
    status: 403,
    title: 'Not allowed',
    help: 'The token lacks a scope, a chat denies you or a word of what you ask, or a page elsewhere tried to act for you.',
  },
  NOT_FOUND: { status: 404, title: 'Not there', help: 'There is no such address, or no such thing of yours.' },
  IMAGE_NOT_FOUND: {
    status: 404,
    title: 'No such file',
    help: 'You have no file under this name or hash, or it has expired.',
  },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Another method', help: 'This address takes other methods: see `Allow`.' },
  QUEUE_OPERATION_ERROR: {
    status: 409,
    title: 'The queue cannot do this now',
    help: 'The job has ended, nothing of yours runs, or its question was answered. Look again.',
  },
  CONFLICT: { status: 409, title: 'Changed meanwhile', help: 'Look again and retry.' },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'Too large', help: 'The limits stand in the documentation of the address.' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: 'Another content type',
    help: 'Send `application/json`, or `multipart/form-data` for uploads.',
  },
  RANGE_NOT_SATISFIABLE: {
    status: 416,
    title: 'No such part',
    help: 'The file is shorter than the range that was asked for.',
  },
  WORKFLOW_VALIDATION_ERROR: {
    status: 422,
    title: 'This workflow cannot run',
    help: 'It does not parse, names nodes or models that the server lacks, or is not allowed. Also the reason of a failed job.',
  },
  FILE_OPERATION_ERROR: {
    status: 422,
    title: 'This file cannot be used',
    help: 'It is no picture, is damaged, or its name is not allowed.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    title: 'This key stands for another request',
    help: 'Use a new `Idempotency-Key` for each request that differs.',
  },
  WEBSOCKET_ERROR: {
    status: 426,
    title: 'A WebSocket is needed',
    help: 'Open it with an upgrade; inside a socket: a message that is not understood.',
  },
  RATE_LIMITED: { status: 429, title: 'Too many requests', help: 'Wait for the seconds in `Retry-After`.' },
  QUOTA_EXCEEDED: {
    status: 429,
    title: 'The quota is used up',
    help: 'A limit of the token or of the person: see `detail`.',
  },
  WORKFLOW_EXECUTION_ERROR: {
    status: 500,
    title: 'The workflow failed while it ran',
    help: 'Reason of a failed job; the job names the node and what can be done. Not an answer of this interface.',
  },
  INTERNAL_ERROR: { status: 500, title: 'Our mistake', help: 'It was logged under the `instance` of the answer.' },
  CONNECTION_ERROR: {
    status: 503,
    title: 'A part is away',
    help: 'Postgres, NATS or every GPU. Nothing was accepted: try again, best with an `Idempotency-Key`.',
  },
  TASK_TIMEOUT: {
    status: 504,
    title: 'It took too long',
    help: 'The job ran into its time limit, or a part did not answer in time.',
  },
} as const satisfies Record<string, { status: number; title: string; help: string }>;

export type ProblemCode = keyof typeof problemCodes;

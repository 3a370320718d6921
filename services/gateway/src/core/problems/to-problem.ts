import { z } from 'zod';
import { AppError, type AppErrorCode, type AppErrorOptions } from '@atelier/shared/errors/app-error';
import type { Language } from '@atelier/shared/contracts/identity';
import { problemCodes, type ProblemCode } from './problem-codes.ts';

/** One field that is wrong. */
const fieldErrorSchema = z.object({
  /** JSON pointer into what was sent: `/options/width`. */
  pointer: z.string(),
  message: z.string(),
});
export type FieldError = z.infer<typeof fieldErrorSchema>;

/** RFC 9457, `application/problem+json`. */
export const problemSchema = z
  .object({
    type: z.string().describe('Where the code is explained'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What to do, in the language of the caller'),
    instance: z.string().describe('Names this answer in the log'),
    code: z.enum(Object.keys(problemCodes) as [ProblemCode, ...ProblemCode[]]),
    errors: z.array(fieldErrorSchema).optional(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problemSchema>;

const appCodeOf: Record<ProblemCode, AppErrorCode> = {
  VALIDATION_ERROR: 'invalid_input',
  UNAUTHENTICATED: 'forbidden',
  FORBIDDEN: 'forbidden',
  NOT_FOUND: 'not_found',
  IMAGE_NOT_FOUND: 'not_found',
  METHOD_NOT_ALLOWED: 'invalid_input',
  QUEUE_OPERATION_ERROR: 'conflict',
  CONFLICT: 'conflict',
  PAYLOAD_TOO_LARGE: 'too_large',
  UNSUPPORTED_MEDIA_TYPE: 'invalid_input',
  RANGE_NOT_SATISFIABLE: 'invalid_input',
  WORKFLOW_VALIDATION_ERROR: 'invalid_input',
  FILE_OPERATION_ERROR: 'invalid_input',
  IDEMPOTENCY_KEY_REUSED: 'conflict',
  WEBSOCKET_ERROR: 'invalid_input',
  RATE_LIMITED: 'rate_limited',
  QUOTA_EXCEEDED: 'rate_limited',
  WORKFLOW_EXECUTION_ERROR: 'internal',
  INTERNAL_ERROR: 'internal',
  CONNECTION_ERROR: 'unavailable',
  TASK_TIMEOUT: 'unavailable',
};

const problemOf: Record<AppErrorCode, ProblemCode> = {
  invalid_input: 'VALIDATION_ERROR',
  not_found: 'NOT_FOUND',
  forbidden: 'FORBIDDEN',
  conflict: 'CONFLICT',
  unavailable: 'CONNECTION_ERROR',
  rate_limited: 'RATE_LIMITED',
  too_large: 'PAYLOAD_TOO_LARGE',
  fenced: 'CONFLICT',
  config: 'INTERNAL_ERROR',
  internal: 'INTERNAL_ERROR',
};

/** An error that answers with this code. The sentences say what to do. */
export function problem(code: ProblemCode, en: string, zh: string, options: AppErrorOptions = {}): AppError {
  return new AppError(appCodeOf[code], `${code}: ${en}`, {
    ...options,
    publicMessage: { en, zh },
    details: { ...options.details, problem: code },
  });
}

/** The code under which an error is told. */
export function problemCodeOf(error: AppError): ProblemCode {
  const named = error.details['problem'];
  return typeof named === 'string' && named in problemCodes ? (named as ProblemCode) : problemOf[error.code];
}

/** An error as the answer tells it: nothing but its code and its sentence. */
export function toProblem(
  error: AppError,
  about: { instance: string; language: Language; errors?: readonly FieldError[] },
): Problem {
  const code = problemCodeOf(error);
  const { status, title } = problemCodes[code];
  return {
    type: `/redoc#problem-${code}`,
    title,
    status,
    detail: error.publicMessage[about.language],
    instance: about.instance,
    code,
    ...(about.errors === undefined || about.errors.length === 0 ? {} : { errors: [...about.errors] }),
  };
}

/** The code of a job that failed, from the reason that the worker or the agent gave. */
export function executionProblemCode(reason: string): ProblemCode {
  switch (reason) {
    case 'time_limit':
    case 'stalled':
      return 'TASK_TIMEOUT';
    case 'invalid_input':
    case 'workflow_refused':
    case 'model_missing':
    case 'forbidden':
    case 'too_large':
    case 'not_found':
      return 'WORKFLOW_VALIDATION_ERROR';
    case 'input_missing':
    case 'input_broken':
    case 'output_missing':
      return 'FILE_OPERATION_ERROR';
    case 'unavailable':
    case 'lost':
      return 'CONNECTION_ERROR';
    case 'rate_limited':
      return 'QUOTA_EXCEEDED';
    default:
      return 'WORKFLOW_EXECUTION_ERROR';
  }
}

import type { PublicError } from '../contracts/request.ts';

/** What went wrong, for code to branch on. */
export type AppErrorCode =
  /** The caller's value is not acceptable; the message says what to change. */
  | 'invalid_input'
  | 'not_found'
  /** Known, but not theirs. */
  | 'forbidden'
  /** Somebody else holds it or changed it. */
  | 'conflict'
  /** A part we depend on did not answer; nothing is known to be wrong with the request. */
  | 'unavailable'
  /** A limit of ours or of a platform: try later. */
  | 'rate_limited'
  /** Over a size, a count or a time that is allowed. */
  | 'too_large'
  /** The lease or epoch under which this was tried is no longer ours. */
  | 'fenced'
  /** Settings that cannot work. */
  | 'config'
  /** Our own bug. */
  | 'internal';

export type Retry = 'never' | 'backoff' | { afterMs: number };

export interface AppErrorOptions {
  retry?: Retry;
  /** What a person may read, in both languages; default: an honest sentence for the code. */
  publicMessage?: { en: string; zh: string };
  /** Facts for the log. Never secrets. */
  details?: Record<string, unknown>;
  cause?: unknown;
}

const defaultPublicMessages: Record<AppErrorCode, { en: string; zh: string }> = {
  invalid_input: { en: 'Something in this request is not valid.', zh: '请求中有不正确的内容。' },
  not_found: { en: 'This no longer exists.', zh: '它已经不存在了。' },
  forbidden: { en: 'You are not allowed to do this.', zh: '你没有权限进行此操作。' },
  conflict: { en: 'This has changed meanwhile; look again and retry.', zh: '状态已发生变化，请刷新后重试。' },
  unavailable: {
    en: 'A part of the service is away; what was accepted is kept and goes on by itself.',
    zh: '部分服务暂时不可用；已接受的请求会保留并自动继续。',
  },
  rate_limited: { en: 'Too many requests; try again in a moment.', zh: '请求过于频繁，请稍后再试。' },
  too_large: { en: 'This is larger than what is allowed.', zh: '超出了允许的大小。' },
  fenced: { en: 'Another worker has taken this over.', zh: '该任务已由另一个工作进程接管。' },
  config: { en: 'The service is not set up correctly; tell its operator.', zh: '服务配置有误，请联系管理员。' },
  internal: {
    en: 'Something went wrong on our side; it was logged. Try again, and tell the operator if it repeats.',
    zh: '服务内部出错，已记录。请重试；若反复出现，请联系管理员。',
  },
};

/** The one error that our own code throws on purpose. `message` is for the log; `publicMessage` is for people. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: AppErrorCode;
  readonly retry: Retry;
  readonly publicMessage: { en: string; zh: string };
  readonly details: Record<string, unknown>;

  constructor(code: AppErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retry = options.retry ?? (code === 'unavailable' || code === 'rate_limited' ? 'backoff' : 'never');
    this.publicMessage = options.publicMessage ?? defaultPublicMessages[code];
    this.details = options.details ?? {};
  }
}

/** Bad input with its sentence for the person: `invalidInput('Ask for 1 to 8 pictures.', '…')`. */
export function invalidInput(en: string, zh: string, details: Record<string, unknown> = {}): AppError {
  return new AppError('invalid_input', en, { publicMessage: { en, zh }, details });
}

/** Whatever was thrown, as a person may read it; a bug becomes an honest sentence without its details. */
export function toPublicError(thrown: unknown): PublicError {
  if (thrown instanceof AppError) return { code: thrown.code, message: thrown.publicMessage };
  return { code: 'internal', message: defaultPublicMessages.internal };
}

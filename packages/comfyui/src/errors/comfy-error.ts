/** What went wrong, for code to branch on. */
export type ComfyErrorCode =
  /** No connection, a connection that broke, or no answer in time: the request may or may not have taken effect. */
  | 'unreachable'
  /** ComfyUI answered, and refused: see `status` and `body`. */
  | 'refused'
  /** An answer, a file or a text that does not have the shape it should have. */
  | 'malformed'
  /** Larger, deeper or longer than the cap that the caller or this package sets. */
  | 'too_large'
  /** A name (node class, output, recipe, parameter) that is not known here. */
  | 'unknown_name'
  /** A value that is not allowed where it stands. */
  | 'invalid_value'
  /** The caller's signal ended it. */
  | 'aborted';

/** Where in a text the error stands: both count from 1. */
export interface TextPosition {
  line: number;
  column: number;
}

export interface ComfyErrorOptions {
  /** What the reader can do about it, as one sentence. */
  hint?: string;
  /** HTTP status, where ComfyUI answered. */
  status?: number;
  /** ComfyUI's own answer, shortened to 4,000 characters where it was text. */
  body?: unknown;
  position?: TextPosition;
  cause?: unknown;
}

/** The one error that this package throws. `message` is for people; `code` is for code. */
export class ComfyError extends Error {
  override readonly name = 'ComfyError';
  readonly code: ComfyErrorCode;
  readonly hint: string | undefined;
  readonly status: number | undefined;
  readonly body: unknown;
  readonly position: TextPosition | undefined;

  constructor(code: ComfyErrorCode, message: string, options: ComfyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.status = options.status;
    this.body = options.body;
    this.position = options.position;
  }
}

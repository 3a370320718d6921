import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { AppError } from '@atelier/shared/errors/app-error';
import type { ProblemCode } from '../../core/problems/problem-codes.ts';
import { problem } from '../../core/problems/to-problem.ts';

/** Sentences for what the HTTP framework itself refuses. */
const byStatus: Record<number, { code: ProblemCode; en: string; zh: string }> = {
  404: { code: 'NOT_FOUND', en: 'There is nothing at this address.', zh: '此地址没有内容。' },
  405: { code: 'METHOD_NOT_ALLOWED', en: 'This address takes another method.', zh: '此地址不支持该方法。' },
  406: { code: 'UNSUPPORTED_MEDIA_TYPE', en: 'Ask for application/json.', zh: '请使用 application/json。' },
  408: { code: 'TASK_TIMEOUT', en: 'The request came too slowly.', zh: '请求传输过慢。' },
  413: { code: 'PAYLOAD_TOO_LARGE', en: 'This is larger than what is allowed here.', zh: '内容超出允许的大小。' },
  415: {
    code: 'UNSUPPORTED_MEDIA_TYPE',
    en: 'Send application/json, or multipart/form-data for uploads.',
    zh: '请发送 application/json，上传请使用 multipart/form-data。',
  },
  429: { code: 'RATE_LIMITED', en: 'Too many requests: try again in a moment.', zh: '请求过于频繁，请稍后再试。' },
};

/** Whatever was thrown, as one of our errors. What nobody foresaw stays `internal`. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof ComfyError) {
    return problem('WORKFLOW_VALIDATION_ERROR', thrown.message, `工作流无效：${thrown.message}`, {
      cause: thrown,
    });
  }
  const status = statusOf(thrown);
  if (status === undefined || status >= 500) return new AppError('internal', 'a request failed', { cause: thrown });
  const known = byStatus[status];
  if (known !== undefined) return problem(known.code, known.en, known.zh, { cause: thrown });
  return problem('VALIDATION_ERROR', 'This request is malformed.', '请求格式不正确。', { cause: thrown });
}

function statusOf(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('statusCode' in thrown)) return undefined;
  return typeof thrown.statusCode === 'number' && thrown.statusCode >= 400 ? thrown.statusCode : undefined;
}

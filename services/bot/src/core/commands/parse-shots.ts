import { z } from 'zod';
import { MAX_SHOTS, type Shot } from '@atelier/shared/contracts/request';
import { invalidInput } from '@atelier/shared/errors/app-error';
import { validatePrompt } from './validate-prompt.ts';

const jsonShotSchema = z.union([
  z.string(),
  z.object({
    id: z.union([z.string(), z.number()]).optional(),
    shotId: z.string().optional(),
    prompt: z.string(),
    durationSeconds: z.number().min(0.5).max(30).optional(),
  }),
]);
const jsonSchema = z.union([z.array(jsonShotSchema), z.object({ shots: z.array(jsonShotSchema) })]);

/** `1.`, `1)`, `Shot 2:`, `- `, `镜头 3：` in front of a shot. */
const numbering =
  /^\s*(?:[-*•]\s+|(?:(?:shot|scene|镜头|场景)\s*)?(?:\d{1,3}|[一二三四五六七八九十]{1,3})\s*[.)、:：]\s*)/iu;

/**
 * A list of shots: a line each, or one line with semicolons; or JSON, `["…"]` or `[{"id", "prompt", "durationSeconds"}]`.
 *
 * @throws AppError `invalid_input` with one sentence that says what to change.
 */
export function parseShots(text: string): Shot[] {
  const trimmed = text.trim();
  const shots = /^[[{]/.test(trimmed) ? shotsOfJson(trimmed) : shotsOfLines(trimmed);
  if (shots.length === 0 || shots.length > MAX_SHOTS) {
    throw invalidInput(
      `Give 1 to ${MAX_SHOTS} shots, a line each, for example: a fox wakes; it crosses the snow`,
      `请给出 1 到 ${MAX_SHOTS} 个镜头，每行一个，例如：狐狸醒来；它穿过雪地`,
    );
  }
  if (new Set(shots.map((shot) => shot.shotId)).size < shots.length) {
    throw invalidInput(
      'Two shots have the same id: give each its own.',
      '有两个镜头的编号相同，请为每个镜头使用不同编号。',
    );
  }
  return shots;
}

function shotsOfLines(text: string): Shot[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const parts = lines.length > 1 ? lines : text.split(/[;；]/);
  return parts
    .map((part) => part.replace(numbering, '').trim())
    .filter((part) => part !== '')
    .map((part, index) => ({ shotId: String(index + 1), prompt: validatePrompt(part) }));
}

function shotsOfJson(text: string): Shot[] {
  const parsed = jsonSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    throw invalidInput(
      'The list of shots cannot be read: give [{"id": "1", "prompt": "…"}] or a line a shot.',
      '无法读取镜头列表：请使用 [{"id": "1", "prompt": "…"}] 或每行一个镜头。',
    );
  }
  const list = Array.isArray(parsed.data) ? parsed.data : parsed.data.shots;
  return list.map((shot, index) => {
    if (typeof shot === 'string') return { shotId: String(index + 1), prompt: validatePrompt(shot) };
    const { durationSeconds } = shot;
    return {
      shotId: String(shot.shotId ?? shot.id ?? index + 1).slice(0, 80) || String(index + 1),
      prompt: validatePrompt(shot.prompt),
      ...(durationSeconds === undefined ? {} : { durationSeconds }),
    };
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

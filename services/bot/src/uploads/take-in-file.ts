import { AppError, invalidInput } from '@atelier/shared/errors/app-error';
import type { TakenFile } from '../ports.ts';
import { readPngText } from './read-png-text.ts';
import { sniffImage } from './sniff-image.ts';
import { type ImageIntake, takeInImage } from './take-in-image.ts';

const maxTextBytes = 4_000_000;

/**
 * Takes in what somebody attached: a picture, with the workflow that ComfyUI wrote into it; or text, such as a workflow or a
 * list of shots.
 *
 * @throws AppError `invalid_input` for what is neither, `too_large`.
 */
export async function takeInFile(intake: ImageIntake, bytes: Uint8Array, name = 'file'): Promise<TakenFile> {
  if (sniffImage(bytes) !== undefined) {
    const texts = readPngText(bytes);
    const workflowText = texts.get('workflow') ?? texts.get('prompt');
    const image = await takeInImage(intake, bytes, name);
    return { kind: 'image', image, ...(workflowText === undefined ? {} : { workflowText }) };
  }
  if (bytes.length > maxTextBytes) {
    throw new AppError('too_large', 'a text file is too large', {
      publicMessage: { en: 'This file is too large: at most 4 MB of text.', zh: '文件过大：文本最多 4 MB。' },
    });
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (text.includes('\0')) throw new TypeError('binary');
    return { kind: 'text', name: name.slice(0, 200), text };
  } catch {
    throw invalidInput(
      'This file cannot be used: attach a picture, a workflow as JSON, or a text file.',
      '无法使用该文件：请附上图片、JSON 工作流或文本文件。',
    );
  }
}

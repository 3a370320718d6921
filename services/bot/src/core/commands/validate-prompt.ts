import { MAX_PROMPT_CHARS } from '@atelier/shared/contracts/request';
import { invalidInput } from '@atelier/shared/errors/app-error';

/**
 * A prompt as a person typed it, trimmed. Line breaks and tabs stay; what no keyboard types is refused, because it would
 * reach a model's tokenizer unseen.
 *
 * @throws AppError `invalid_input` with one sentence that says what to change.
 */
export function validatePrompt(text: string): string {
  const prompt = text.trim();
  if (prompt === '') {
    throw invalidInput(
      'Say what you want to see, for example: a red fox in snow',
      '请描述你想看到的画面，例如：雪地里的红狐狸',
    );
  }
  checkText(prompt);
  return prompt;
}

/** {@link validatePrompt} for text that may be empty. */
export function checkText(text: string, maxChars = MAX_PROMPT_CHARS): void {
  if (text.length > maxChars) {
    const length = text.length;
    throw invalidInput(
      `The text has ${length} characters: shorten it to ${maxChars}.`,
      `文字共 ${length} 个字符，请缩短到 ${maxChars} 个以内。`,
    );
  }
  if (hasControlCharacter(text) || !text.isWellFormed()) {
    throw invalidInput(
      'The text contains invisible control characters: type it again or paste it as plain text.',
      '文字中含有不可见的控制字符，请重新输入或以纯文本粘贴。',
    );
  }
}

function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const typed = code === 0x09 || code === 0x0a || code === 0x0d;
    if ((code < 0x20 && !typed) || (code >= 0x7f && code <= 0x9f) || code === 0xfeff) return true;
  }
  return false;
}

import type { RequestBody } from '../contracts/request.ts';

/**
 * The first of these words that a text says, whatever the case, the width or the accents. A word of letters must stand by
 * itself (`ass` is not in `grass`); one in a script without spaces, such as Chinese, counts wherever it stands.
 */
export function findBlockedWord(text: string, words: readonly string[]): string | undefined {
  if (words.length === 0) return undefined;
  const plain = plainText(text);
  return words.find((word) => {
    const wanted = plainText(word).trim();
    if (wanted === '') return false;
    if (hasNoSpaces.test(wanted)) return plain.includes(wanted);
    for (let at = plain.indexOf(wanted); at >= 0; at = plain.indexOf(wanted, at + 1)) {
      const before = Array.from(plain.slice(Math.max(0, at - 2), at)).at(-1) ?? '';
      const [after = ''] = Array.from(plain.slice(at + wanted.length, at + wanted.length + 2));
      if (!wordCharacter.test(before) && !wordCharacter.test(after)) return true;
    }
    return false;
  });
}

const hasNoSpaces = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;
const wordCharacter = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}_]/u;

function plainText(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/[\p{M}\p{Cf}]/gu, '')
    .toLowerCase()
    .replaceAll(/\s+/g, ' ');
}

/** What a request asks to see, in words. What must not be in it is left out. */
export function wordsOf(body: RequestBody): string {
  switch (body.kind) {
    case 'imagine':
      return body.options.prompt;
    case 'words':
      // Else a word would be drawn by answering who said it.
      return [body.text, body.quoted ?? ''].join('\n');
    case 'derive':
      return [body.text, body.region, body.options?.prompt].filter((part) => part !== undefined).join('\n');
    case 'shots':
      return [body.style, ...body.shots.map((shot) => shot.prompt)].filter((part) => part !== undefined).join('\n');
    case 'workflow':
      return [body.workflowText, ...Object.values(body.parameters ?? {}).map(String)].join('\n');
    default:
      return '';
  }
}

/**
 * Does to a prompt what the front end does before it sends one: C-style comments go, `{a|b}` becomes one of its choices
 * (which may contain choices), and `\{`, `\|`, `\}` lose their backslash.
 *
 * A text of more than a million characters stays as it is.
 *
 * @param random gives numbers from 0 up to 1.
 */
export function resolveDynamicPrompt(prompt: string, random: () => number): string {
  if (prompt.length > MAX_CHARS) return prompt;
  return choose(prompt, random, 0).replaceAll(/\\([{}|])/g, '$1');
}

/** Writes a prompt so that the front end sends it as it is: braces and comment signs lose their meaning. */
export function escapeDynamicPrompt(prompt: string): string {
  return prompt.replaceAll('{', '\\{').replaceAll(/\/(?=[/*])/g, '{/}');
}

/** No prompt is that long, and each level of choices goes through the text again. */
const MAX_CHARS = 1_000_000;
/** Deeper choices stay as they stand: no prompt is made that way, and recursion must end. */
const MAX_DEPTH = 50;
const LINE_END = /[\n\r\u2028\u2029]/g;

/** Without `/* … *\/` and what follows `//` in a line. By hand, because a pattern would search on from every open comment. */
function stripComments(prompt: string): string {
  let result = '';
  let kept = 0;
  let hasBlocks = true;
  for (let at = prompt.indexOf('/'); at !== -1; at = prompt.indexOf('/', at)) {
    let end = at + 1;
    if (prompt[at + 1] === '/') {
      LINE_END.lastIndex = at;
      end = LINE_END.exec(prompt)?.index ?? prompt.length;
    } else if (prompt[at + 1] === '*' && hasBlocks) {
      const close = prompt.indexOf('*/', at + 2);
      hasBlocks = close !== -1;
      end = hasBlocks ? close + 2 : at + 1;
    }
    if (end > at + 1) {
      result += prompt.slice(kept, at);
      kept = end;
    }
    at = end;
  }
  return result + prompt.slice(kept);
}

function choose(prompt: string, random: () => number, depth: number): string {
  const text = stripComments(prompt);
  if (depth > MAX_DEPTH) return text;
  let result = '';
  let index = 0;
  while (index < text.length) {
    const char = text[index] ?? '';
    if (char === '\\') {
      result += text.slice(index, index + 2);
      index += 2;
    } else if (char === '{') {
      const block = readChoices(text, index + 1);
      result += choose(block.choices[Math.floor(random() * block.choices.length)] ?? '', random, depth + 1);
      index = block.end;
    } else {
      result += char;
      index += 1;
    }
  }
  return result;
}

/** The choices of a block that begins at `start`, and where the text goes on; an unclosed block ends with the text. */
function readChoices(text: string, start: number): { choices: string[]; end: number } {
  const choices: string[] = [];
  let current = '';
  let depth = 0;
  let index = start;
  while (index < text.length) {
    const char = text[index] ?? '';
    if (char === '\\') {
      current += text.slice(index, index + 2);
      index += 2;
      continue;
    }
    index += 1;
    if (char === '}' && depth === 0) break;
    if (char === '{') depth += 1;
    if (char === '}') depth -= 1;
    if (char === '|' && depth === 0) {
      choices.push(current);
      current = '';
    } else {
      current += char;
    }
  }
  return { choices: [...choices, current], end: index };
}

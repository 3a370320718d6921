import { MAX_PROMPT_CHARS, MAX_SHOTS, type PublicError } from '../contracts/request.ts';
import { readTable, type Table } from './read-table.ts';

/** A shot as its author wrote it: pictures are named, not yet found. */
export interface ParsedShot {
  /** Unique in its list. */
  shotId: string;
  prompt: string;
  durationSeconds?: number;
  /** Attachments that it refers to, by file name or by number. */
  references?: { name: string; strength?: number }[];
}

export type ParsedShots = { style?: string; shots: ParsedShot[] } | { problem: PublicError['message'] };

const MAX_TEXT_CHARS = 200_000;
const MAX_ID_CHARS = 80;
const MAX_SECONDS = 30;
const MIN_SECONDS = 0.5;

/** A shot before its id and its limits are looked at. */
interface RawShot {
  id: string;
  prompt: string;
  duration: string;
  references: { name: string; strength?: number }[];
}

const ID_KEYS =
  /^(?:#|no\.?|nr\.?|id|shot|shots|scene|name|shot[ _-]?(?:id|no|number|name)|镜头|镜号|分镜|场景|编号|序号)$/i;
const PROMPT_KEYS =
  /^(?:prompt|text|description|desc|content|visual|action|image|picture|提示词|描述|画面|内容|画面内容|画面描述|文案)$/i;
const DURATION_KEYS =
  /^(?:duration|seconds?|secs?|length|time|duration[ _-]?(?:seconds?|s)|durationseconds|时长|秒|秒数|时间)$/i;
const REFERENCE_KEYS = /^(?:references?|refs?|images?|pictures?|reference[ _-]?images?|参考|参考图|图片)$/i;
const STYLE_KEYS = /^(?:style|look|风格|画风|整体风格)$/i;
const STYLE_LINE =
  /^\s*(?:[-*#>]\s*)?(?:\*\*)?(?:style|look|风格|画风|整体风格)(?:\*\*)?\s*[:：=]\s*(?:\*\*)?\s*(.+)$/i;

/**
 * Reads a storyboard out of a message or a file: JSON, a Markdown table, CSV or TSV with or without a heading, a numbered
 * or marked list, or one shot a line. A line `style: …` (or `风格：…`) is the style of all.
 *
 * Never throws. Ids that are not given are `1`, `2`, …; ids that are given must differ.
 */
export function parseShots(text: string): ParsedShots {
  if (text.length > MAX_TEXT_CHARS) {
    return problem('The list of shots is too long; send it in parts.', '分镜列表过长，请分几次发送。');
  }
  const clean = unfenced(text.replace(/^\uFEFF/, '').replaceAll(/\r\n?/g, '\n')).trim();
  if (clean === '') return problem('There are no shots; write one a line.', '没有分镜，请每行写一个。');
  if (/^[[{]/.test(clean)) {
    const json = readJson(clean);
    if (json !== undefined) return 'problem' in json ? json : finish(json.style, json.shots);
    if (clean.startsWith('{') || /^\[\s*[{"]/.test(clean)) {
      return problem(
        'The list of shots is no valid JSON; check commas and quotes.',
        '分镜列表不是有效的 JSON，请检查逗号和引号。',
      );
    }
  }
  const { style, lines } = takeStyle(clean.split('\n'));
  const table = readTable(lines);
  if (table !== undefined) return finish(style ?? styleOfTable(table), shotsOfTable(table));
  return finish(style, shotsOfLines(lines));
}

function problem(en: string, zh: string): { problem: PublicError['message'] } {
  return { problem: { en, zh } };
}

/** Without the fence that chats put around code. */
function unfenced(text: string): string {
  return /^\s*```[\w-]*\n([\s\S]*?)\n?```\s*$/.exec(text)?.[1] ?? text;
}

function takeStyle(all: readonly string[]): { style: string | undefined; lines: string[] } {
  let style: string | undefined;
  const lines = all.filter((line) => {
    const found = STYLE_LINE.exec(line)?.[1]?.trim();
    if (found === undefined || style !== undefined) return true;
    style = found.replace(/\*\*$/, '').trim();
    return false;
  });
  return { style, lines };
}

function readJson(
  text: string,
): { style: string | undefined; shots: RawShot[] } | { problem: PublicError['message'] } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const record = recordOf(value);
  const listKey = Object.keys(record).find(
    (key) => Array.isArray(record[key]) && /^(?:shots?|scenes?|storyboard|frames|items|分镜|镜头)$/i.test(key),
  );
  const list = Array.isArray(value) ? value : listKey === undefined ? undefined : record[listKey];
  if (!Array.isArray(list)) {
    return problem(
      'The JSON has no list of shots; write {"shots": [{"shot_id": "1", "prompt": "…"}]}.',
      'JSON 中没有分镜列表，请写成 {"shots": [{"shot_id": "1", "prompt": "…"}]}。',
    );
  }
  const shots = list.map((entry): RawShot => {
    if (typeof entry === 'string') return { id: '', prompt: entry, duration: '', references: [] };
    const fields = recordOf(entry);
    const find = (pattern: RegExp): unknown => fields[Object.keys(fields).find((key) => pattern.test(key)) ?? ''];
    return {
      id: scalar(find(ID_KEYS)),
      prompt: scalar(find(PROMPT_KEYS)),
      duration: scalar(find(DURATION_KEYS)),
      references: referencesOf(find(REFERENCE_KEYS)),
    };
  });
  const style = scalar(record[Object.keys(record).find((key) => STYLE_KEYS.test(key)) ?? '']);
  return { style: style === '' ? undefined : style, shots };
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function scalar(value: unknown): string {
  return typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : '';
}

function referencesOf(value: unknown): RawShot['references'] {
  const list: unknown[] = Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
  return list.flatMap((entry) => {
    if (typeof entry === 'string' || typeof entry === 'number') return namesIn(String(entry));
    const fields = recordOf(entry);
    const name = ['name', 'image', 'file', 'path', 'url']
      .map((key) => scalar(fields[key]))
      .find((found) => found !== '');
    const strength = fields['strength'] ?? fields['weight'];
    if (name === undefined) return [];
    return [{ name, ...(typeof strength === 'number' && strength >= 0 && strength <= 1 ? { strength } : {}) }];
  });
}

/** "fox.png, den.png" */
function namesIn(text: string): RawShot['references'] {
  return text
    .split(/[,;，；、]/)
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== '-')
    .map((name) => ({ name }));
}

function columnOf(table: Table, pattern: RegExp): number {
  return table.heading?.findIndex((cell) => pattern.test(cell.trim())) ?? -1;
}

function styleOfTable(table: Table): string | undefined {
  const column = columnOf(table, STYLE_KEYS);
  const styles = new Set(table.rows.map((row) => row[column]?.trim() ?? '').filter((style) => style !== ''));
  const [only] = styles;
  return styles.size === 1 ? only : undefined;
}

function shotsOfTable(table: Table): RawShot[] {
  const width = Math.max(0, ...table.rows.map((row) => row.length));
  const named = {
    id: columnOf(table, ID_KEYS),
    prompt: columnOf(table, PROMPT_KEYS),
    duration: columnOf(table, DURATION_KEYS),
    references: columnOf(table, REFERENCE_KEYS),
  };
  // Without a heading: the words alone, or an id before them and a length behind.
  const columns =
    named.prompt >= 0
      ? named
      : {
          id: width > 1 ? 0 : -1,
          prompt: width > 1 ? 1 : 0,
          duration: named.duration >= 0 ? named.duration : width > 2 ? 2 : -1,
          references: named.references,
        };
  return table.rows.map((row) => ({
    id: row[columns.id]?.trim() ?? '',
    prompt: row[columns.prompt]?.trim() ?? '',
    duration: row[columns.duration]?.trim() ?? '',
    references: namesIn(row[columns.references] ?? ''),
  }));
}

const MARK =
  /^\s*(?:[-*•]\s+|(?:\*\*)?(?:shot|scene|镜头|分镜|场景|第)\s*([\p{L}\p{N}_-]{1,40})\s*(?:镜|幕|个镜头)?\s*(?:\*\*)?\s*[:：.、)）-]\s*(?:\*\*)?\s*|\(?(\d{1,3}[a-z]?)\)?\s*[.:：、)）]\s*)/iu;

function shotsOfLines(lines: readonly string[]): RawShot[] {
  const filled = lines.map((line) => line.trim()).filter((line) => line !== '' && !/^[-=*_]{3,}$/.test(line));
  const marked = filled.filter((line) => MARK.test(line)).length;
  const shots: RawShot[] = [];
  for (const [index, line] of filled.entries()) {
    const mark = MARK.exec(line);
    // In a list with marks, a line without one goes on with what stands before it, or is the title.
    if (marked > 1 && mark === null) {
      const before = shots.at(-1);
      if (before !== undefined) before.prompt = `${before.prompt} ${line}`.trim();
      continue;
    }
    if (marked === 0 && index === 0 && filled.length > 1 && /[:：]$/.test(line)) continue;
    shots.push({
      id: mark?.[1] ?? mark?.[2] ?? '',
      prompt: mark === null ? line : line.slice(mark[0].length).trim(),
      duration: '',
      references: [],
    });
  }
  return shots;
}

/** "(3s)", "3 seconds", "3 秒" at the end of a shot. */
const LENGTH_AT_END = /\s*[([（【,，]?\s*(\d+(?:\.\d+)?)\s*(?:s|sec|secs|seconds?|秒)\s*[)\]）】]?\s*$/i;

function secondsOf(text: string): number | undefined {
  const found = /^\s*(\d+(?:\.\d+)?)\s*(?:s|sec|secs|seconds?|秒)?\s*$/i.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

function finish(style: string | undefined, raw: readonly RawShot[]): ParsedShots {
  const wanted = raw.filter(({ prompt }) => prompt !== '');
  if (wanted.length === 0) return problem('There are no shots; write one a line.', '没有分镜，请每行写一个。');
  if (wanted.length > MAX_SHOTS) {
    return problem(
      `${wanted.length} shots are too many for one storyboard; send at most ${MAX_SHOTS}.`,
      `分镜有 ${wanted.length} 个，一次最多 ${MAX_SHOTS} 个，请分几次发送。`,
    );
  }
  const given = new Set(wanted.map(({ id }) => id).filter((id) => id !== ''));
  const taken = new Set<string>();
  const shots: ParsedShot[] = [];
  for (const [index, { id, prompt: words, duration, references }] of wanted.entries()) {
    const shotId = id === '' ? freeId(index + 1, given) : id;
    if (shotId.length > MAX_ID_CHARS) {
      return problem(`A shot's id has at most ${MAX_ID_CHARS} characters.`, `镜头编号最多 ${MAX_ID_CHARS} 个字符。`);
    }
    if (taken.has(shotId)) {
      return problem(
        `The shot “${shotId}” stands twice in the list; give each its own id.`,
        `镜头“${shotId}”出现了两次，请使用不同的编号。`,
      );
    }
    taken.add(shotId);
    const atEnd = duration === '' ? LENGTH_AT_END.exec(words) : null;
    const prompt = atEnd === null || atEnd.index === 0 ? words : words.slice(0, atEnd.index).trim();
    const seconds = duration === '' ? (prompt === words ? undefined : Number(atEnd?.[1])) : secondsOf(duration);
    if (prompt.length > MAX_PROMPT_CHARS) {
      return problem(
        `The shot “${shotId}” has ${prompt.length} characters; shorten it to ${MAX_PROMPT_CHARS}.`,
        `镜头“${shotId}”有 ${prompt.length} 个字符，请缩短到 ${MAX_PROMPT_CHARS} 个以内。`,
      );
    }
    if (seconds !== undefined && !(seconds >= MIN_SECONDS && seconds <= MAX_SECONDS)) {
      return problem(
        `The shot “${shotId}” is ${seconds} s long; choose ${MIN_SECONDS} to ${MAX_SECONDS} s.`,
        `镜头“${shotId}”时长为 ${seconds} 秒，请设为 ${MIN_SECONDS} 到 ${MAX_SECONDS} 秒。`,
      );
    }
    shots.push({
      shotId,
      prompt,
      ...(seconds === undefined ? {} : { durationSeconds: seconds }),
      ...(references.length === 0 ? {} : { references: references.slice(0, 4) }),
    });
  }
  const shared = style?.trim().slice(0, MAX_PROMPT_CHARS) ?? '';
  return { ...(shared === '' ? {} : { style: shared }), shots };
}

/** The place in the list as an id, or the next one that nobody has. */
function freeId(place: number, given: Set<string>): string {
  let number = place;
  while (given.has(String(number))) number += 1;
  given.add(String(number));
  return String(number);
}

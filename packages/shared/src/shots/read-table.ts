/** Cells by row; the heading apart, where there is one. */
export interface Table {
  heading: string[] | undefined;
  rows: string[][];
}

/** What columns of a storyboard are called: a first row of such words is a heading. */
const HEADING_WORD =
  /^(?:#|no\.?|nr\.?|id|shots?|scene|name|prompt|text|description|desc|content|visual|action|style|look|duration|seconds?|secs?|length|time|references?|refs?|images?|pictures?|camera|notes?|(?:shot|scene|duration|reference)[ _-]?(?:id|no|number|name|s|seconds?|images?)|durationseconds|镜头|镜号|分镜|场景|编号|序号|提示词|描述|画面|内容|画面内容|画面描述|文案|时长|秒|秒数|时间|参考|参考图|图片|风格|画风|备注)$/i;

/** A Markdown table, or CSV or TSV with a heading (TSV also without); undefined where the lines are none. */
export function readTable(lines: readonly string[]): Table | undefined {
  const filled = lines.filter((line) => line.trim() !== '');
  return (
    readMarkdown(filled) ??
    readDelimited(filled, '\t', 1) ??
    readDelimited(filled, ',', 2) ??
    readDelimited(filled, ';', 2)
  );
}

function readMarkdown(lines: readonly string[]): Table | undefined {
  const rule = lines.findIndex((line) => /^\s*\|?(?:\s*:?-+:?\s*\|)+\s*(?::?-+:?)?\s*$/.test(line));
  const heading = rule < 1 ? undefined : lines[rule - 1];
  if (heading === undefined || !heading.includes('|')) return undefined;
  const rows: string[][] = [];
  for (const line of lines.slice(rule + 1)) {
    if (!line.includes('|')) break;
    rows.push(cellsOf(line));
  }
  return rows.length === 0 ? undefined : { heading: cellsOf(heading), rows };
}

function cellsOf(line: string): string[] {
  return line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) =>
      cell
        .replaceAll('\\|', '|')
        .replaceAll(/<br\s*\/?>/gi, ' ')
        .trim(),
    );
}

/**
 * @param least words of a heading that make the lines a table: prose has commas, too. For 1, lines that all have the
 * delimiter are a table without any.
 */
function readDelimited(lines: readonly string[], delimiter: string, least: 1 | 2): Table | undefined {
  const [first] = lines;
  if (first === undefined || !first.includes(delimiter)) return undefined;
  const all = parseDelimited(lines.join('\n'), delimiter);
  const heading = all[0]?.map((cell) => cell.trim()) ?? [];
  const known = heading.filter((cell) => HEADING_WORD.test(cell)).length;
  if (known >= least && known * 2 >= heading.length) {
    const rows = all.slice(1).filter((row) => row.some((cell) => cell.trim() !== ''));
    return rows.length === 0 ? undefined : { heading, rows };
  }
  return least === 1 && lines.length > 1 && all.every((row) => row.length > 1)
    ? { heading: undefined, rows: all }
    : undefined;
}

/** Cells as RFC 4180 writes them: in quotes, a delimiter, a line end and a doubled quote are text. */
export function parseDelimited(text: string, delimiter: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text.charAt(at + 1) === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (character === '"' && cell.trim() === '') {
      quoted = true;
      cell = '';
    } else if (character === delimiter) {
      row.push(cell);
      cell = '';
    } else if (character === '\n') {
      rows.push([...row, cell]);
      row = [];
      cell = '';
    } else cell += character;
  }
  rows.push([...row, cell]);
  return rows;
}

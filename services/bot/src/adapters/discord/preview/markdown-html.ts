/** Text of a person or of a file as HTML text. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** As much of Discord's Markdown as our messages use: headings, quotes, small print, bold, code, links, mentions. */
export function markdownToHtml(text: string): string {
  const html: string[] = [];
  let quoted: string[] = [];
  const endQuote = (): void => {
    if (quoted.length > 0) html.push(`<blockquote>${quoted.join('<br>')}</blockquote>`);
    quoted = [];
  };
  for (const part of text.split(/(```[^]*?```)/)) {
    const code = /^```\n?([^]*?)\n?```$/.exec(part)?.[1];
    if (code !== undefined) {
      endQuote();
      html.push(`<pre>${escapeHtml(code)}</pre>`);
      continue;
    }
    for (const line of part.split('\n')) {
      const quote = /^> ?(.*)$/.exec(line)?.[1];
      if (quote !== undefined) quoted.push(inline(quote));
      else {
        endQuote();
        if (line !== '') html.push(block(line));
      }
    }
  }
  endQuote();
  return html.join('');
}

function block(line: string): string {
  const heading = /^(#{1,3}) (.*)$/.exec(line);
  if (heading !== null) return `<h${heading[1]?.length ?? 3}>${inline(heading[2] ?? '')}</h${heading[1]?.length ?? 3}>`;
  const small = /^-# (.*)$/.exec(line)?.[1];
  return small === undefined ? `<p>${inline(line)}</p>` : `<small>${inline(small)}</small>`;
}

/** Within a line. What a backslash protects stays as it is. */
function inline(line: string): string {
  const kept: string[] = [];
  // Between characters that nobody writes.
  const keep = (html: string): string => `\uE000${kept.push(html) - 1}\uE001`;
  const protectedLine = line
    .replaceAll(/\\([^A-Za-z0-9\s])/g, (_, char: string) => keep(escapeHtml(char)))
    .replaceAll(/`([^`]+)`/g, (_, code: string) => keep(`<code>${escapeHtml(code)}</code>`))
    .replaceAll(/\[([^\]]+)\]\((https?:\/\/[^)\s]+)\)/g, (_, label: string, url: string) =>
      keep(`<a href="${escapeHtml(url)}">${escapeHtml(label)}</a>`),
    )
    .replaceAll(/<@!?(\d+)>/g, () => keep('<span class="mention">@Mei</span>'));
  return escapeHtml(protectedLine)
    .replaceAll(/\*\*(.+?)\*\*/g, '<b>$1</b>')
    .replaceAll(/\*(.+?)\*/g, '<i>$1</i>')
    .replaceAll(/\uE000(\d+)\uE001/g, (_, index: string) => kept[Number(index)] ?? '');
}

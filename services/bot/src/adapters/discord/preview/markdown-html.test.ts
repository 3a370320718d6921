import { expect, it } from 'vitest';
import { escapeText } from '../cards/escape-text.ts';
import { markdownToHtml } from './markdown-html.ts';

it.each([
  ['### Done\n> a *fox*\n-# Mei', '<h3>Done</h3><blockquote>a <i>fox</i></blockquote><small>Mei</small>'],
  ['**bold** and `a*b*`', '<p><b>bold</b> and <code>a*b*</code></p>'],
  ['[fox](https://x.example/a_b)', '<p><a href="https://x.example/a_b">fox</a></p>'],
  ['```\n/imagine **x**\n```', '<pre>/imagine **x**</pre>'],
  ['<@123> done', '<p><span class="mention">@Mei</span> done</p>'],
])('shows %j', (text, html) => expect(markdownToHtml(text)).toBe(html));

it.each(['<script>alert(1)</script>', '**a** _b_ `c` # d', 'sd_xl_base_1.0', '[x](https://y.example)', '> q'])(
  'shows %j as it was written, once it was escaped',
  (text) => {
    const shown = markdownToHtml(escapeText(text)).replaceAll(/<\/?p>/g, '');
    const plain = shown.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
    expect(plain).toBe(text);
  },
);

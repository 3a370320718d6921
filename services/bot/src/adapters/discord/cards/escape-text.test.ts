import { expect, it } from 'vitest';
import { escapeText } from './escape-text.ts';

it.each([
  ['> a quotation', '\\> a quotation'],
  ['>>> all that follows', '\\>>> all that follows'],
  ['  > indented', '  \\> indented'],
  ['-# small print', '\\-# small print'],
  ['a > b, 1 < 2', 'a > b, 1 < 2'],
  ['<@123> <#456> <t:0> <:fox:1>', '\\<@123> \\<#456> \\<t:0> \\<:fox:1>'],
  ['first\n> second', 'first\n\\> second'],
])('%j is shown as it was written', (text, escaped) => expect(escapeText(text)).toBe(escaped));

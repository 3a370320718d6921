import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finishedJob, jobRecord, plan, requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import { noLiveFacts } from '../../../core/cards/card-facts.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import { drawJobCard, MAX_CAPTION_CHARS, MAX_TEXT_CHARS } from './draw-job-card.ts';

const working = requestRecord({ state: 'working', plan });
const succeeded = requestRecord({ state: 'succeeded', plan, finishedAt: new Date() });

/** What people see of it; undefined where tags are not closed in order. */
function visible(html: string): string | undefined {
  const open: string[] = [];
  const plain = html.replaceAll(/<(\/?)(\w+)>/g, (_tag, slash: string, name: string) => {
    if (slash === '') open.push(name);
    else if (open.pop() !== name) open.push('?');
    return '';
  });
  if (open.length > 0 || /[<>]/.test(plain)) return undefined;
  return plain.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}

describe('drawJobCard', () => {
  it('shows how far it is, with a button that carries only ids', () => {
    const jobs = [finishedJob(0), jobRecord(1, { state: 'running' })];
    const card = renderJobCard({ request: working, jobs, delivered: false }, noLiveFacts, 'en');
    const drawn = drawJobCard(card, MAX_TEXT_CHARS);
    expect(drawn.html).toContain('<b>Drawing</b>\n<blockquote>a red fox in snow</blockquote>');
    expect(drawn.html).toContain('<code>██████░░░░░░ 50 %</code>');
    expect(drawn.rows.flat()).toContainEqual({ label: 'Cancel', data: `c:${working.id}` });
  });

  it('shows words that people wrote as they wrote them', () => {
    const request = requestRecord({ body: { kind: 'words', text: '<b>1 < 2 & "3"</b>' }, personName: '<i>Mei' });
    const card = renderJobCard({ request, jobs: [], delivered: false }, noLiveFacts, 'en');
    expect(drawJobCard(card, MAX_TEXT_CHARS).html).toContain('&lt;b&gt;1 &lt; 2 &amp; &quot;3&quot;&lt;/b&gt;');
  });

  it('cuts a long wish before it cuts what came of it', () => {
    const request = requestRecord({
      state: 'failed',
      body: { kind: 'words', text: 'fox '.repeat(900) },
      error: { code: 'too_large', message: { en: 'Ask for a smaller picture.', zh: '请选小一点的尺寸。' } },
    });
    const card = renderJobCard({ request, jobs: [], delivered: true }, noLiveFacts, 'zh');
    expect(drawJobCard(card, MAX_CAPTION_CHARS).html).toContain('请选小一点的尺寸。');
  });

  it('fits, and is well-formed, whatever people write', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3_000 });
    fc.assert(
      fc.property(text, text, fc.constantFrom(MAX_CAPTION_CHARS, MAX_TEXT_CHARS), (words, prompt, maxChars) => {
        const request = { ...succeeded, body: { kind: 'words' as const, text: words }, plan: { ...plan, prompt } };
        const card = renderJobCard({ request, jobs: [finishedJob(0)], delivered: true }, noLiveFacts, 'en');
        const seen = visible(drawJobCard(card, maxChars).html);
        expect(seen?.length).toBeLessThanOrEqual(maxChars);
        expect(seen?.isWellFormed()).toBe(true);
        expect(seen).toMatch(/^Done/);
      }),
      { numRuns: 60, seed: 3 },
    );
  });
});

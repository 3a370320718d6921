import fc from 'fast-check';
import { expect, it } from 'vitest';
import { noLiveFacts } from '../../../core/cards/card-facts.ts';
import { endedAt, finishedJob, jobRecord, plan, requestRecord } from '../../../core/cards/card-fixtures.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import type { JobCard } from '../../../core/cards/job-card.ts';
import { markerOf } from '../messages/message-marker.ts';
import { drawJobCard, MAX_MESSAGE_CHARS } from './draw-job-card.ts';

const request = requestRecord({ door: 'discord', state: 'working', plan });
const marker = markerOf(request.id, 'card');

function textsOf(card: JobCard): string[] {
  return [...JSON.stringify(drawJobCard(card, marker).components).matchAll(/"content":("(?:[^"\\]|\\.)*")/g)].map(
    (match) => JSON.parse(match[1] ?? '""') as string,
  );
}

it('shows what was asked, who asked, how far it is and a button that carries only ids', () => {
  const card: JobCard = {
    ...renderJobCard({ request, jobs: [jobRecord(0, { state: 'running' })], delivered: false }, noLiveFacts, 'en'),
    progress: { fraction: 0.5, text: 'Drawing · step 10 of 20' },
  };
  expect(drawJobCard(card, marker)).toMatchObject({
    files: [],
    components: [
      {
        id: marker.componentId,
        components: [
          { content: expect.stringMatching(/^### Drawing\n> a red fox in snow, portrait, 2 images\n-# Mei · /) },
          { content: '`██████░░░░░░` 50 %\nDrawing · step 10 of 20' },
          { content: expect.stringContaining('-# Without: text') },
          { components: [{ label: 'Cancel', custom_id: `c:${request.id}` }] },
        ],
      },
    ],
  });
});

it('shows the pictures that go with it, each with words for who does not see it', () => {
  const ended = requestRecord({ door: 'discord', state: 'succeeded', finishedAt: endedAt, plan });
  const card = renderJobCard({ request: ended, jobs: [finishedJob(0)], delivered: true }, noLiveFacts, 'zh');
  const files = [{ name: '1-fox.png', data: Buffer.from('x'), alt: '雪' }];
  expect(JSON.stringify(drawJobCard(card, marker, files).components)).toContain(
    '"items":[{"media":{"url":"attachment://1-fox.png"},"description":"雪"}]',
  );
});

it('lets no prompt format, quote or break out of its place', () => {
  const body = { kind: 'words', text: '**bold** `code`\n# heading\n[link](https://example.com)' } as const;
  const card = renderJobCard({ request: { ...request, body }, jobs: [], delivered: false }, noLiveFacts, 'en');
  const [first = ''] = textsOf(card);
  expect(first).toContain('> \\*\\*bold\\*\\* \\`code\\`\n> ');
  expect(first).not.toMatch(/^(> )?# /m);
  expect(first).toContain('\\[link](');
});

it('keeps within the text of a message, whatever was asked and answered', () => {
  const long = fc.string({ unit: 'binary', maxLength: 5_000 });
  const base = renderJobCard({ request, jobs: [], delivered: false }, noLiveFacts, 'en');
  fc.assert(
    fc.property(long, long, fc.array(long, { maxLength: 4 }), (title, reply, notes) => {
      const texts = textsOf({ ...base, title, reply, notes });
      expect(texts.join('').length).toBeLessThanOrEqual(MAX_MESSAGE_CHARS);
      for (const text of texts) expect(text.length).toBeGreaterThan(0);
    }),
    { numRuns: 25, seed: 7 },
  );
});

import fc from 'fast-check';
import { ComponentType } from 'discord.js';
import { describe, expect, it } from 'vitest';
import { anyCharacter } from '@atelier/comfyui/testing/any-character';
import { noLiveFacts } from '../../../core/cards/card-facts.ts';
import { endedAt, finishedJob, jobRecord, plan, requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import type { JobCard } from '../../../core/cards/job-card.ts';
import { markerOf } from '../messages/message-marker.ts';
import { drawJobCard } from './draw-job-card.ts';
import { MAX_MESSAGE_CHARS } from './text-budget.ts';

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
          { content: expect.stringMatching(/^### Drawing\n> a red fox in snow\n-# Mei · /) },
          { content: '`██████░░░░░░` 50 %\nDrawing · step 10 of 20' },
          { content: expect.stringContaining('-# Without: text') },
          { components: [{ label: 'Cancel', style: 4, custom_id: `c:${request.id}` }] },
        ],
      },
    ],
  });
});

it('shows the pictures that go with it, each with words for who does not see it', () => {
  const ended = requestRecord({ door: 'discord', state: 'succeeded', finishedAt: endedAt, plan });
  const card = renderJobCard({ request: ended, jobs: [finishedJob(0)], delivered: true }, noLiveFacts, 'zh');
  const files = [{ name: '1-fox.png', data: Buffer.from('x'), alt: '雪', contentType: 'image/png' }];
  expect(JSON.stringify(drawJobCard(card, marker, { files }).components)).toContain(
    '"items":[{"media":{"url":"attachment://1-fox.png"},"description":"雪"}]',
  );
});

it('lets no prompt format, quote or break out of its place', () => {
  const body = { kind: 'words', text: '**bold** `code`\n# heading\n[link](https://example.com)' } as const;
  const card = renderJobCard(
    { request: { ...request, plan: null, body }, jobs: [], delivered: false },
    noLiveFacts,
    'en',
  );
  const [first = ''] = textsOf(card);
  expect(first).toContain('> \\*\\*bold\\*\\* \\`code\\`\n> ');
  expect(first).not.toMatch(/^(> )?# /m);
  expect(first).toContain('\\[link](');
});

it('keeps within the text of a message, whatever was asked and answered', () => {
  const long = fc.string({ unit: anyCharacter, maxLength: 5_000 });
  const base = renderJobCard({ request, jobs: [], delivered: false }, noLiveFacts, 'en');
  fc.assert(
    fc.property(long, long, fc.array(long, { maxLength: 4 }), (title, reply, notes) => {
      const texts = textsOf({ ...base, title, reply, notes });
      expect(texts.join('').length).toBeLessThanOrEqual(MAX_MESSAGE_CHARS);
      for (const text of texts) expect(text.length).toBeGreaterThan(0);
    }),
    { numRuns: 10, seed: 7 },
  );
});

describe('what can be done with a result', () => {
  it('is rows of buttons and menus, within what Discord takes', () => {
    const ended = requestRecord({ door: 'discord', state: 'succeeded', finishedAt: endedAt, plan });
    const jobs = Array.from({ length: 4 }, (_, index) => finishedJob(index));
    const card = renderJobCard({ request: ended, jobs, delivered: true }, noLiveFacts, 'en');
    const [container] = drawJobCard(card, marker).components;
    if (container?.type !== ComponentType.Container) throw new Error('no container');
    const rows = container.components.filter((one) => one.type === ComponentType.ActionRow);
    const buttons = rows.map((row) => row.components.flatMap((one) => ('label' in one ? [one.label] : [])));
    const menus = rows.flatMap((row) => row.components.filter((one) => one.type === ComponentType.StringSelect));
    expect(buttons.slice(0, 2)).toEqual([
      ['U1', 'U2', 'U3', 'U4', expect.any(String)],
      ['V1', 'V2', 'V3', 'V4', expect.any(String)],
    ]);
    expect(menus.map((menu) => menu.options.length)).toEqual([4, expect.any(Number)]);
    for (const row of rows) expect(row.components.length).toBeLessThanOrEqual(5);
  });

  it('is not offered where it would be somebody else to press', () => {
    const card = renderJobCard({ request, jobs: [], delivered: false }, noLiveFacts, 'en');
    expect(JSON.stringify(drawJobCard(card, marker, { withoutButtons: true }).components)).not.toContain('custom_id');
  });
});

it('covers pictures where the place asks for it', () => {
  const ended = requestRecord({ door: 'discord', state: 'succeeded', finishedAt: endedAt, plan });
  const card = renderJobCard({ request: ended, jobs: [finishedJob(0)], delivered: true }, noLiveFacts, 'en');
  const files = [{ name: '1-fox.png', data: Buffer.from('x'), contentType: 'image/png' }];
  const drawn = (isCovered: boolean) =>
    JSON.stringify(drawJobCard({ ...card, isCovered }, marker, { files }).components);
  expect(drawn(true)).toContain('"spoiler":true');
  expect(drawn(false)).not.toContain('spoiler');
});

it('plays a video in the gallery, and hands a sound out as a file', () => {
  const card = renderJobCard({ request, jobs: [], delivered: false }, noLiveFacts, 'en');
  const files = [
    { name: '1-fox.mp4', data: Buffer.from('x'), contentType: 'video/mp4' },
    { name: '2-fox.mp3', data: Buffer.from('x'), contentType: 'audio/mpeg' },
  ];
  const text = JSON.stringify(drawJobCard(card, marker, { files }).components);
  expect(text).toContain('"items":[{"media":{"url":"attachment://1-fox.mp4"}}]');
  expect(text).toContain('{"type":13,"file":{"url":"attachment://2-fox.mp3"}}');
});

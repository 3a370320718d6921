import { createHash } from 'node:crypto';
import type { PolicyView } from '@atelier/shared/contracts/control';
import type { Language } from '@atelier/shared/contracts/identity';
import type { PendingQuestion } from '@atelier/shared/contracts/request';
import { type CardFacts, type LiveFacts, noLiveFacts } from '../core/cards/card-facts.ts';
import { endedAt, jobOutput, jobRecord, plan, requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import { renderQueueCard } from '../core/cards/queue-card.ts';
import { renderJobCard } from '../core/cards/render-job-card.ts';
import { buildForm } from '../core/forms/build-forms.ts';
import { createButtons } from '../core/cards/card-rows.ts';
import { renderDetails } from '../core/panels/render-details.ts';
import { renderPicture } from '../core/panels/render-picture.ts';
import { renderHelp } from '../core/panels/render-help.ts';
import { renderList, requestEntries } from '../core/panels/render-lists.ts';
import { renderPolicy } from '../core/panels/render-policy.ts';
import { messagesFor } from '../core/messages/messages-for.ts';
import type { Messages } from '../core/messages/messages.ts';
import type { CardImage } from '../core/cards/job-card.ts';
import type { PreviewSample } from './card-preview.ts';

/** A sample with what it shows. */
export interface NamedSample {
  name: string;
  sample: PreviewSample;
}

/** Hashes of the pictures in the samples; `sample-pictures` paints them. */
export const sampleHashes = ['0', '1', '2', '3', '4', '5'].map((seed) =>
  createHash('sha256').update(seed).digest('hex'),
);

/** Every state of a card, and what commands and buttons answer, in one language. */
export function cardSamples(language: Language): NamedSample[] {
  const zh = language === 'zh';
  const words = zh ? '雪地里的红狐狸，竖图' : 'a red fox in snow, portrait';
  const base = requestRecord({
    door: 'discord',
    language,
    personName: zh ? '小梅' : 'Mei',
    body: { kind: 'words', text: words },
  });
  const planned = { ...base, state: 'working' as const, plan, jobsTotal: 2, jobsOpen: 2 };
  const done = { ...planned, state: 'succeeded' as const, finishedAt: endedAt, jobsOpen: 0, jobsSucceeded: 2 };
  const output = (picture: number) => ({
    ...jobOutput('0'),
    hash: sampleHashes[picture] ?? '',
    thumbnailHash: sampleHashes[picture] ?? '',
  });
  const finished = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      jobRecord(index, {
        state: 'succeeded',
        startedAt: endedAt,
        finishedAt: endedAt,
        gpuSeconds: 6.2,
        outputs: [output(index)],
      }),
    );
  const waiting = [jobRecord(0), jobRecord(1)];
  const forecasts: LiveFacts = {
    ...noLiveFacts,
    forecasts: new Map([[base.id, { place: 3, starts: { low: 70, high: 130 }, ends: { low: 90, high: 160 } }]]),
    reasons: new Map([
      [base.id, { en: 'Two people who used the GPU less go first.', zh: '有两位用得更少的人排在前面。' }],
    ]),
  };
  const running: LiveFacts = {
    ...noLiveFacts,
    forecasts: new Map([[base.id, { place: 0, ends: { low: 8, high: 14 } }]]),
    progress: new Map([
      [
        jobRecord(0).id,
        {
          jobId: jobRecord(0).id,
          requestId: base.id,
          fraction: 0.6,
          classType: 'KSampler',
          step: 12,
          steps: 20,
          elapsedMs: 9_000,
        },
      ],
    ]),
  };
  const card = (name: string, facts: CardFacts, live: LiveFacts = noLiveFacts): NamedSample => ({
    name,
    sample: { kind: 'card', card: renderJobCard(facts, live, language) },
  });
  const gallery = (count: number): CardFacts => ({
    request: { ...done, plan: { ...plan, count }, jobsTotal: count, jobsSucceeded: count },
    jobs: finished(count),
    delivered: true,
  });
  const covered: CardFacts = {
    ...gallery(2),
    marks: { isDeleted: false, isShared: false, isForAdults: true, isCovered: true },
  };
  const m = messagesFor(language);
  const button = createButtons(base.id, m);

  return [
    card('accepted', { request: base, jobs: [], delivered: false }),
    card('planning', { request: { ...base, state: 'planning' }, jobs: [], delivered: false }),
    card('a plan to approve', {
      request: { ...base, state: 'asking', question: planQuestion },
      jobs: [],
      delivered: false,
    }),
    card('a question', { request: { ...base, state: 'asking', question }, jobs: [], delivered: false }),
    card('queued', { request: planned, jobs: waiting, delivered: false }, forecasts),
    card('the GPU is away', { request: planned, jobs: waiting, delivered: false }, { ...forecasts, isGpuAway: true }),
    card(
      'running',
      {
        request: planned,
        jobs: [jobRecord(0, { state: 'running', startedAt: endedAt }), jobRecord(1)],
        delivered: false,
      },
      running,
    ),
    card('finishing', { request: done, jobs: finished(2), delivered: false }),
    card('cancelling', { request: { ...planned, cancelRequestedAt: endedAt }, jobs: waiting, delivered: false }),
    card('one picture', {
      request: {
        ...done,
        parentRequestId: base.id,
        parentPicture: 1,
        body: { kind: 'derive', action: 'vary_subtle', source: { requestId: base.id, picture: 1 } },
      },
      jobs: finished(1),
      delivered: true,
    }),
    card('a region, before it is redrawn', {
      request: {
        ...done,
        plan: {
          recipe: 'show-region',
          recipeTitle: { en: 'Show a described region', zh: '显示所描述的区域' },
          prompt: '',
          count: 1,
          seed: '0',
          shownRegion: zh ? '尾巴' : 'the tail',
          notes: [],
        },
        parentRequestId: base.id,
        parentPicture: 1,
        body: {
          kind: 'derive',
          action: 'vary_region',
          source: { requestId: base.id, picture: 1 },
          text: zh ? '条纹尾巴' : 'a striped tail',
          region: zh ? '尾巴' : 'the tail',
          showRegion: true,
        },
      },
      jobs: finished(1),
      delivered: true,
    }),
    card('two pictures', gallery(2)),
    card('four pictures', gallery(4)),
    card('six pictures', gallery(6)),
    card('a part of them', {
      request: { ...done, error: tooLarge },
      jobs: [...finished(1), jobRecord(1, { state: 'failed', finishedAt: endedAt })],
      delivered: true,
    }),
    card('an answer in words', {
      request: {
        ...base,
        state: 'replied',
        finishedAt: endedAt,
        reply: zh ? '这里有三个模型适合人像：…' : 'Three models here suit portraits: …',
      },
      jobs: [],
      delivered: true,
    }),
    card('failed', {
      request: { ...base, state: 'failed', finishedAt: endedAt, error: tooLarge },
      jobs: [],
      delivered: true,
    }),
    card('cancelled', { request: { ...base, state: 'cancelled', finishedAt: endedAt }, jobs: [], delivered: true }),
    card('private', { ...gallery(2), request: { ...done, isPrivate: true } }),
    card('covered', covered),
    card('deleted', {
      request: done,
      jobs: [],
      delivered: true,
      marks: { isDeleted: true, isShared: false, isCovered: false },
    }),
    {
      name: 'the queue',
      sample: {
        kind: 'queue',
        card: renderQueueCard(
          {
            open: [planned, { ...planned, id: '44444444-4444-4444-8444-444444444444', personName: 'Ada' }],
            forecasts: forecasts.forecasts,
          },
          language,
          base.personId,
        ),
      },
    },
    {
      name: 'a picked picture',
      sample: {
        kind: 'panel',
        panel: renderPicture(
          gallery(2),
          { picture: 1, ...pictureOf(1, m), isKept: false, isAuthor: true, mayDelete: true },
          m,
        ),
      },
    },
    {
      name: 'a contact sheet',
      sample: {
        kind: 'panel',
        panel: {
          title: m.chat.actions.sheet.label,
          text: plan.prompt,
          ...pictureOf(2, m),
          rows: [0, 1].map((row) =>
            Array.from({ length: row === 0 ? 5 : 3 }, (_, column) => {
              const picture = row * 5 + column;
              return button('pick', { picture, label: String(picture + 1) });
            }),
          ),
          links: [],
        },
      },
    },
    {
      name: 'details',
      sample: {
        kind: 'panel',
        panel: { title: m.chat.details.title, text: renderDetails(gallery(2), language), rows: [], links: [] },
      },
    },
    { name: 'help', sample: { kind: 'panel', panel: renderHelp(language, { isAdmin: false }) } },
    {
      name: 'a code',
      sample: {
        kind: 'panel',
        panel: {
          title: m.chat.link.title,
          text: m.chat.link.code(10),
          code: 'KQ7M-3XWD',
          rows: [],
          links: [{ label: m.chat.link.page, url: 'https://atelier.example.org/#link=KQ7M-3XWD' }],
        },
      },
    },
    {
      name: 'a token',
      sample: {
        kind: 'panel',
        panel: {
          title: m.chat.tokens.created('ci'),
          text: [
            m.chat.tokens.shownOnce,
            `${m.chat.tokens.may('read, submit')} · ${m.chat.tokens.ends('2026-06-02')}`,
          ].join('\n'),
          code: `atl_${'0'.repeat(43)}`,
          rows: [],
          links: [],
        },
      },
    },
    { name: 'the policy', sample: { kind: 'panel', panel: renderPolicy(policy, [], language, 'classes') } },
    {
      name: 'history',
      sample: {
        kind: 'list',
        list: renderList(
          { list: 'history', language, readerId: base.personId, page: 1, total: 20 },
          requestEntries(
            [gallery(2), covered, { request: planned, jobs: waiting, delivered: false }],
            forecasts,
            language,
            endedAt.getTime() + 300_000,
          ),
        ),
      },
    },
    {
      name: 'remix',
      sample: { kind: 'form', form: buildForm({ action: 'remix', id: base.id }, gallery(2), language) },
    },
    {
      name: 'vary region',
      sample: {
        kind: 'form',
        form: buildForm({ action: 'vary_region', id: base.id, picture: 0 }, gallery(2), language),
      },
    },
  ];
}

function pictureOf(picture: number, m: Messages): { image: CardImage } {
  const { index: _index, nodeId: _nodeId, ...image } = jobOutput('0');
  const hash = sampleHashes[picture] ?? '';
  return { image: { ...image, hash, thumbnailHash: hash, alt: m.alt(picture + 1, 4, plan.prompt) } as CardImage };
}

const policy: PolicyView = {
  packs: [],
  classes: [
    {
      name: 'LoadImageFromUrl',
      pack: 'web-tools',
      allowed: false,
      reason: 'an operator closed it',
      suspicions: ['custom_pack', 'address_input'],
      inputs: ['url'],
    },
    { name: 'KSampler', pack: 'core', allowed: true, suspicions: [], inputs: [] },
  ],
  total: 2,
};

const tooLarge = {
  code: 'too_large',
  message: {
    en: 'The GPU has too little memory for this size: ask for a smaller picture, for example --size 768x1024.',
    zh: '显存不足以生成此尺寸：请缩小尺寸，例如 --尺寸 768x1024。',
  },
};

const planQuestion: PendingQuestion = {
  id: '55555555-5555-4555-8555-555555555555',
  kind: 'plan',
  text: { en: 'This takes longer than usual. Shall it run?', zh: '这比平时耗时更久，要运行吗？' },
  choices: [
    { id: 'run', label: { en: 'Run', zh: '运行' } },
    { id: 'change', label: { en: 'Change', zh: '修改' } },
    { id: 'cancel', label: { en: 'Cancel', zh: '取消' } },
  ],
  allowText: true,
  plan: { ...plan, count: 8 },
  gpuSeconds: { low: 200, high: 320 },
};

const question: PendingQuestion = {
  id: '66666666-6666-4666-8666-666666666666',
  kind: 'question',
  text: { en: 'Which of the two foxes do you mean?', zh: '你指的是哪只狐狸？' },
  choices: [
    { id: 'left', label: { en: 'The left one', zh: '左边的' } },
    { id: 'right', label: { en: 'The right one', zh: '右边的' } },
  ],
  allowText: true,
};

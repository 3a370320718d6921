import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import sharp from 'sharp';
import { writeMetadata } from '@atelier/comfyui/metadata/write-metadata';
import { openAgentConversation, type AgentConversation } from '../support/anthropic/agent-conversation.ts';
import { textMessage } from '../support/anthropic/scripted-anthropic.ts';
import { openingOf, resultsIn, toolMessage, type ScriptedUse } from '../support/anthropic/tool-steps.ts';

let talk: AgentConversation;
beforeAll(async () => {
  talk = await openAgentConversation({ ATELIER_PLAN_APPROVAL: 'never' });
});
afterAll(() => talk.close());
beforeEach(() => talk.claude.reset());

const fromRecipe: ScriptedUse = ['draft', { recipe: 'text-to-image', values: { prompt: 'a red fox', seed: 7 } }];

/** One reply of the model after the other, each with one use; gives what the tools said, in order. */
async function steps(uses: readonly ScriptedUse[], options: Parameters<AgentConversation['say']>[2] = {}) {
  const from = talk.asked().length;
  const id = await talk.say('please', [...uses.map((use) => toolMessage([use])), textMessage('Done.')], options);
  const request = await talk.world.until(id, 'replied', 'working', 'failed', 'succeeded');
  const results = talk
    .asked(from)
    .slice(1)
    .map((request) => resultsIn(request)[0]);
  return { id, request, results, texts: results.map((result) => result?.text ?? '') };
}

/** The node of a class in the notation that a draft showed. */
function nodeOf(text: string | undefined, classType: string): string {
  return new RegExp(`^(\\S+) = ${classType}\\(`, 'm').exec(text ?? '')?.[1] ?? 'missing';
}

describe('a draft', () => {
  test('is made of a recipe, shown in notation, and runs', async () => {
    const { id, texts } = await steps([fromRecipe, ['run', { draft: 'current', count: 2 }]]);
    expect(texts[0]).toContain('KSampler(');
    expect(texts[0]).toContain('check: ok');
    expect(texts[1]).toMatch(/^Queued\. 2 picture/);
    const jobs = await talk.world.jobsOf(id);
    expect(jobs).toHaveLength(2);
    expect(jobs.map(({ index }) => index)).toEqual([0, 1]);
    // The first has the seed of the draft, the second another.
    expect(jobs[0]?.workflowText).toContain('"seed":7,');
    expect(jobs[1]?.workflowText).not.toContain('"seed":7,');
  });

  test('is written from nothing, and what is wrong comes back with line, cause and nearest values', async () => {
    const notation = [
      'ckpt = CheckpointLoaderSimple(ckpt_name="tiny-z.safetensors")',
      'pos = CLIPTextEncode(clip=ckpt.CLIP text="a fox")',
      'neg = CLIPTextEncode(clip=ckpt.CLIP text="")',
      'size = EmptyLatentImage(width=512 height=512 batch_size=1)',
      'draw = KSampler(model=ckpt.MODEL positive=pos negative=neg latent_image=size steps=20000)',
      'img = VAEDecode(samples=draw vae=ckpt.VAE)',
      'save = SaveImage(images=img filename_prefix="fox")',
    ].join('\n');
    const broken = notation.replace('KSampler(', 'KSamplr(');
    const { texts, results } = await steps([
      ['draft', { notation: broken }],
      ['draft', { notation }],
      ['run', { draft: 'current' }],
      [
        'edit',
        {
          changes: [
            { op: 'set', node: 'ckpt', input: 'ckpt_name', value: 'tiny-a.safetensors' },
            { op: 'set', node: 'draw', input: 'steps', value: '20' },
          ],
        },
      ],
    ]);
    expect(results[0]).toMatchObject({ isError: true });
    expect(texts[0]).toMatch(/Line 5.*KSamplr.*KSampler/s);
    expect(texts[1]).toMatch(/Line 1, ckpt \(CheckpointLoaderSimple\).*tiny-z.*tiny-a/s);
    expect(texts[1]).toMatch(/draw \(KSampler\).*10000/s);
    expect(results[2]).toMatchObject({ isError: true, text: expect.stringContaining('cannot run yet') });
    expect(texts[3]).toContain('check: ok');
    expect(texts[3]).toContain('steps 20000 → 20');
  });

  test('is changed by small operations, each shown as a delta', async () => {
    const made = await steps([fromRecipe], { place: 'edits' });
    const sampler = nodeOf(made.texts[0], 'KSampler');
    const decode = nodeOf(made.texts[0], 'VAEDecode');
    const save = nodeOf(made.texts[0], 'SaveImage');
    const { texts } = await steps(
      [
        [
          'edit',
          { changes: [{ op: 'insert_between', from: decode, to: `${save}.images`, notation: 'flip = ImageInvert()' }] },
        ],
        ['edit', { changes: [{ op: 'replace', node: 'flip', class: 'ImageScaleBy' }] }],
        ['edit', { changes: [{ op: 'remove', node: 'flip' }] }],
        ['edit', { changes: [{ op: 'add', notation: `look = PreviewImage(images=${decode})` }] }],
        [
          'edit',
          {
            changes: [
              { op: 'connect', from: `${decode}.IMAGE`, to: 'look.images' },
              { op: 'set', node: sampler, input: 'sampler_name', value: 'dpmpp_2m' },
            ],
          },
        ],
        ['edit', { changes: [{ op: 'set', node: sampler, input: 'stepz', value: 3 }] }],
        ['edit', { changes: [{ op: 'connect', from: `${sampler}.LATENT`, to: 'look.images' }] }],
        ['inspect', { what: 'diff', with: 'draft:current v1' }],
        ['inspect', { what: 'explain' }],
        ['inspect', { what: 'diff' }],
      ],
      { place: 'edits' },
    );
    expect(texts[0]).toMatch(/added flip \(ImageInvert\)/);
    expect(texts[0]).toContain('check: ok');
    expect(texts[1]).toContain('ImageScaleBy');
    expect(texts[2]).toMatch(/removed flip/);
    expect(texts[2]).toContain('check: ok');
    expect(texts[3]).toContain('added look (PreviewImage)');
    expect(texts[4]).toContain('sampler_name');
    expect(texts[5]).toMatch(/no input "stepz".*steps/s);
    expect(texts[6]).toMatch(/LATENT.*IMAGE/s);
    expect(texts[8]).toMatch(/\d+ nodes: .*KSampler/s);
    expect(texts[9]).toContain('sampler_name');
    // The whole draft is shown once; each change costs a few lines.
    expect(Math.max(...texts.slice(0, 5).map((text) => text.length))).toBeLessThan(500);
  });

  test('is there in the next run, word for word', async () => {
    await steps([fromRecipe], { place: 'later' });
    const id = await talk.say('and now?', [textMessage('It waits.')], { place: 'later' });
    await talk.world.until(id, 'replied');
    expect(openingOf(talk.asked().at(-1))).toMatch(
      /draft at hand: draft:[0-9a-f]{6} v1 “text-to-image”\n(.*\n)*.*KSampler\(/,
    );
  });

  test('is opened from a picture that carries its workflow, with merge and everything', async () => {
    const plain = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    const bytes = writeMetadata(plain, {
      prompt: {
        '3': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 0 } },
        '9': { class_type: 'SaveImage', inputs: { images: ['3', 0], filename_prefix: 'x' } },
      },
    });
    const hash = talk.world.store(bytes);
    const { texts } = await steps(
      [
        ['draft', { source: 'attachment1' }],
        ['edit', { changes: [{ op: 'merge', source: 'text-to-image' }] }],
      ],
      { body: { images: [{ hash, mediaType: 'image/png' }] } },
    );
    expect(texts[0]).toContain('3 = EmptyImage(');
    expect(texts[1]).toMatch(/added .*KSampler/);
  });

  test('that nobody may run is refused by the policy, and never enters the queue', async () => {
    const { id, texts, request } = await steps([
      [
        'draft',
        {
          notation:
            'img = LoadImage(image="../../etc/passwd")\nsave = SaveImage(images=img.IMAGE filename_prefix="../up")',
        },
      ],
      ['run', { draft: 'current' }],
    ]);
    expect(texts[0]).toContain('not allowed:');
    expect(texts[1]).toContain('cannot run yet');
    expect(request.state).toBe('replied');
    expect(await talk.world.jobsOf(id)).toEqual([]);
  });

  test('is estimated without being run', async () => {
    const { request, texts } = await steps([['run', { make: { prompt: 'a fox' }, estimate_only: true }]]);
    expect(texts[0]).toMatch(/estimate: .* GPU s .*; .*\nNothing was run/s);
    expect(request).toMatchObject({ state: 'replied', jobsTotal: 0 });
  });

  test('takes attachments by their names', async () => {
    const bytes = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'green' } })
      .png()
      .toBuffer();
    const hash = talk.world.store(bytes);
    const { id, texts } = await steps(
      [
        [
          'draft',
          {
            notation:
              'img = LoadImage(image="attachment1")\ninv = ImageInvert(image=img.IMAGE)\nsave = SaveImage(images=inv filename_prefix="x")',
          },
        ],
        ['run', { draft: 'current' }],
      ],
      { body: { images: [{ hash, mediaType: 'image/png' }] } },
    );
    expect(texts[0]).toContain(`atelier_${hash}.png`);
    expect(texts[1]).toContain('Queued.');
    expect((await talk.world.jobsOf(id))[0]?.inputs).toEqual([
      { name: `atelier_${hash}.png`, hash, mediaType: 'image/png' },
    ]);
  });
});

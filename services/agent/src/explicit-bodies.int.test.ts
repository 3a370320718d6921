import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RequestBody } from '@atelier/shared/contracts/request';
import { setAccessRule } from '@atelier/shared/db/chat/chat-settings';
import { firstPersonIdOf } from '@atelier/shared/db/requests/accept-request';
import { addWorkflow } from '@atelier/shared/db/workflows/saved-workflow-store';
import { samplePng } from './core/testing/sample-png.ts';
import { startAgentWorld, type AgentWorld } from './testing/start-agent-world.ts';

const seed = '18446744073709551615';
const workflowText = `{"1":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"tiny-a.safetensors"}},
"2":{"class_type":"CLIPTextEncode","inputs":{"clip":["1",1],"text":"a pier"}},
"3":{"class_type":"EmptyLatentImage","inputs":{"width":512,"height":512,"batch_size":1}},
"4":{"class_type":"KSampler","inputs":{"model":["1",0],"positive":["2",0],"negative":["2",0],"latent_image":["3",0],"seed":${seed},"steps":4,"cfg":2,"sampler_name":"euler","scheduler":"simple","denoise":1}},
"5":{"class_type":"VAEDecode","inputs":{"samples":["4",0],"vae":["1",2]}},
"6":{"class_type":"SaveImage","inputs":{"images":["5",0],"filename_prefix":"x"}}}`;

let world: AgentWorld;
beforeAll(async () => {
  world = await startAgentWorld();
  await world.publishRegistry();
  await world.startAgent({ operators: ['web:olga'] });
});
afterAll(() => world.close());

/** A finished request for two foxes, with its files in the store. */
async function foxes(isPrivate = false): Promise<string> {
  const id = await world.submit({ kind: 'imagine', options: { prompt: 'a fox', seed, count: 2 } }, { isPrivate });
  await world.until(id, 'working');
  const picture = samplePng(2, 2, new Uint8Array(16).fill(255));
  world.store(picture);
  await world.worker.finish(id, { picture });
  await world.until(id, 'succeeded');
  return id;
}

describe('without any model call', () => {
  test('a variation takes the picture and the settings that its job kept', async () => {
    const source = { requestId: await foxes(), picture: 1 };
    const id = await world.submit({ kind: 'derive', action: 'vary_subtle', source });
    const { plan } = await world.until(id, 'working');
    expect(plan).toMatchObject({
      recipe: 'image-to-image',
      prompt: 'a fox',
      model: 'tiny-a.safetensors',
      strength: 0.35,
    });
    const [made] = await world.jobsOf(source.requestId);
    const [job] = await world.jobsOf(id);
    expect(made?.params?.values['seed']).toBe(seed);
    expect(job?.inputs[0]?.hash).toBe(made?.outputs[1]?.hash);
  });

  test('words come to nothing that their person is denied; operators are bound by no rule', async () => {
    const larger: RequestBody = { kind: 'words', text: 'upscale it', about: [{ requestId: await foxes() }] };
    const deny = (subject: string) =>
      setAccessRule(world.db, {
        actor: 'test',
        rule: { door: 'web', scope: 'person', subject, command: 'upscale', effect: 'deny' },
      });
    await Promise.all([deny('eve'), deny('olga')]);
    const refused = await world.until(await world.submit(larger, { person: 'Eve' }), 'failed', 'working');
    expect(refused.error).toMatchObject({
      code: 'forbidden',
      message: { en: expect.stringMatching(/\/upscale.*ask an operator/) },
    });
    expect(await world.jobsOf(refused.id)).toEqual([]);
    const made = await world.until(await world.submit(larger, { person: 'Ada' }), 'failed', 'working');
    expect(made.plan).toMatchObject({ operation: 'upscale' });
    const again = await world.submit({ kind: 'rerun', requestId: made.id }, { person: 'Eve' });
    expect((await world.until(again, 'failed', 'working')).error?.code).toBe('forbidden');
    for (const person of ['Eve', 'Olga']) {
      const drawn = await world.submit({ kind: 'words', text: 'a fox' }, { person });
      expect((await world.until(drawn, 'failed', 'working')).state).toBe('working');
    }
    expect((await world.until(await world.submit(larger, { person: 'Olga' }), 'failed', 'working')).state).toBe(
      'working',
    );
  });

  test('a tool that a program calls makes nothing that its person is denied', async () => {
    await setAccessRule(world.db, {
      actor: 'test',
      rule: { door: 'web', scope: 'person', subject: 'ivy', command: 'workflow', effect: 'deny' },
    });
    await world.until(await world.submit({ kind: 'words', text: 'a fox' }, { person: 'Ivy' }), 'working');
    const place = { door: 'api', id: 'ivy' } as const;
    const call = (tool: string, given: Record<string, unknown>) =>
      world.bus.ask(
        'toolCall',
        {},
        {
          callId: `${tool} ${JSON.stringify(given)}`,
          tool,
          arguments: given,
          personId: firstPersonIdOf('web', 'ivy'),
          language: 'en',
          place,
        },
        { timeoutMs: 10_000 },
      );
    expect(await call('draft', { recipe: 'text-to-image', values: { prompt: 'a kite' } })).toMatchObject({
      isError: false,
    });
    expect(await call('run', { draft: 'current' })).toMatchObject({
      isError: true,
      text: expect.stringContaining('/workflow'),
    });
    expect(await call('run', { make: { prompt: 'a kite' } })).toMatchObject({ isError: false });
  });

  test("nobody builds on another's private picture", async () => {
    const source = { requestId: await foxes(true), picture: 0 };
    const id = await world.submit({ kind: 'derive', action: 'reroll', source }, { person: 'Bob' });
    expect(await world.until(id, 'failed', 'working')).toMatchObject({ state: 'failed', error: { code: 'not_found' } });
  });

  test('a workflow runs with its seed as it stands, and once more with another', async () => {
    const id = await world.submit({ kind: 'workflow', workflowText, parameters: { prompt: 'a jetty' } });
    expect((await world.until(id, 'working')).plan).toMatchObject({ prompt: 'a jetty', seed });
    const [job] = await world.jobsOf(id);
    expect(job?.workflowText).toContain(`"seed":${seed}`);
    const again = await world.submit({ kind: 'rerun', requestId: id });
    const { plan } = await world.until(again, 'working');
    expect(plan).toMatchObject({ prompt: 'a jetty', steps: 4 });
    expect(plan?.seed).not.toBe(seed);
  });

  test('a kept workflow is a recipe by its name', async () => {
    const personId = firstPersonIdOf('web', 'ada');
    await addWorkflow(world.db, { id: randomUUID(), personId, name: 'Pier', text: workflowText });
    const id = await world.submit({ kind: 'imagine', options: { prompt: 'a heron', recipe: 'pier', steps: 6 } });
    expect((await world.until(id, 'working')).plan).toMatchObject({ prompt: 'a heron', steps: 6 });
  });

  test('a storyboard has a job a shot, and a picture its words', async () => {
    const shots = [
      { shotId: 'a', prompt: 'dawn' },
      { shotId: 'b', prompt: 'dusk' },
    ];
    const id = await world.submit({ kind: 'shots', shots, style: 'ink' });
    await world.until(id, 'working');
    expect((await world.jobsOf(id)).map(({ params }) => params?.shotId)).toEqual(['a', 'b']);
    const hash = world.store(samplePng(4, 2, new Uint8Array(32).fill(255)));
    const described = await world.submit({ kind: 'describe', images: [{ hash, mediaType: 'image/png' }] });
    expect((await world.until(described, 'replied')).reply).toContain('4 × 2, 2:1');
  });
});

import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import { plainImage, textToImage } from './testing/sample-workflows.ts';
import { createSimulatorFixture } from './testing/simulator-fixture.ts';

const { start, close } = createSimulatorFixture();
afterEach(close);

async function view(url: string, image: { filename: string; subfolder: string; type: string }): Promise<Buffer> {
  const answer = await fetch(`${url}/view?${new URLSearchParams(image).toString()}`);
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}

describe('pictures over HTTP', () => {
  it('have the size asked for, differ within a batch, and carry their prompt', async () => {
    const { url, connect } = await start();
    const client = await connect();
    const workflow = { id: 'from the front end', nodes: [] };
    const { outputs, status } = await client.run(textToImage({ width: 96, height: 64, batch: 3 }), {
      extra_data: { extra_pnginfo: { workflow } },
    });
    expect(status).toMatchObject({ status_str: 'success', completed: true });
    const images = outputs['9']?.images ?? [];
    expect(images.map(({ filename }) => filename)).toEqual(['test_00001_.png', 'test_00002_.png', 'test_00003_.png']);
    const files = await Promise.all(images.map((image) => view(url, image)));
    const decoded = await Promise.all(files.map((file) => sharp(file).raw().toBuffer({ resolveWithObject: true })));
    expect(decoded.map(({ info }) => [info.width, info.height])).toEqual([
      [96, 64],
      [96, 64],
      [96, 64],
    ]);
    expect(new Set(decoded.map(({ data }) => data.toString('base64'))).size).toBe(3);
    const { comments } = await sharp(files[0]).metadata();
    expect(comments?.map(({ keyword }) => keyword)).toEqual(['prompt', 'workflow']);
    expect(JSON.parse(comments?.[0]?.text ?? '')).toEqual(textToImage({ width: 96, height: 64, batch: 3 }));
    expect(JSON.parse(comments?.[1]?.text ?? '')).toEqual(workflow);
  });

  it('are shown whatever their node is called', async () => {
    const { connect } = await start();
    const client = await connect();
    const { '1': source, '2': save } = plainImage(0x2040ff);
    const { outputs } = await client.run(
      Object.fromEntries([
        ['1', source],
        ['__proto__', save],
      ]),
    );
    expect(Object.keys(outputs)).toEqual(['__proto__']);
  });

  it('are served whole, in part, as preview and by channel', async () => {
    const { url, connect } = await start();
    const client = await connect();
    const { outputs } = await client.run(plainImage(0x2040ff, 'sub/one'));
    const [image] = outputs['2']?.images ?? [];
    expect(image).toEqual({ filename: 'one_00001_.png', subfolder: 'sub', type: 'output' });
    const address = `${url}/view?filename=one_00001_.png&subfolder=sub&type=output`;
    const whole = Buffer.from(await (await fetch(address)).arrayBuffer());
    const part = await fetch(address, { headers: { range: 'bytes=2-5' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 2-5/${whole.length}`]);
    expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(2, 6))).toBe(true);
    expect((await fetch(address, { headers: { range: `bytes=${whole.length}-` } })).status).toBe(416);
    const preview = await fetch(`${address}&preview=jpeg;50`);
    expect(preview.headers.get('content-type')).toBe('image/jpeg');
    expect((await sharp(Buffer.from(await preview.arrayBuffer())).metadata()).format).toBe('jpeg');
    const alpha = Buffer.from(await (await fetch(`${address}&channel=a`)).arrayBuffer());
    expect((await sharp(alpha).metadata()).hasAlpha).toBe(true);
  });

  it('follow an uploaded picture, and forget it when the file changes', async () => {
    const { url, connect } = await start();
    const client = await connect();
    const upload = async (colour: string, overwrite: boolean): Promise<unknown> => {
      const bytes = await sharp({ create: { width: 32, height: 32, channels: 3, background: colour } })
        .png()
        .toBuffer();
      const form = new FormData();
      form.append('image', new Blob([Uint8Array.from(bytes)]), 'base.png');
      if (overwrite) form.append('overwrite', 'true');
      return (await fetch(`${url}/upload/image`, { method: 'POST', body: form })).json();
    };
    expect(await upload('#ff0000', false)).toEqual({ name: 'base.png', subfolder: '', type: 'input' });
    expect(await upload('#0000ff', false)).toEqual({ name: 'base (1).png', subfolder: '', type: 'input' });
    const prompt = {
      '1': { class_type: 'LoadImage', inputs: { image: 'base.png' } },
      '2': { class_type: 'ImageInvert', inputs: { image: ['1', 0] } },
      '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'inverted' } },
    };
    const first = await client.run(prompt);
    const [image] = first.outputs['3']?.images ?? [];
    if (image === undefined) throw new Error('no picture');
    const { data } = await sharp(await view(url, image))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([...data.subarray(0, 3)]).toEqual([0, 255, 255]);
    const again = await client.run(prompt);
    expect(again.outputs['3']?.images).toEqual([image]);
    await upload('#00ff00', true);
    const changed = await client.run(prompt);
    expect(changed.outputs['3']?.images).not.toEqual([image]);
    expect(
      ((await client.get('/object_info/LoadImage')) as { LoadImage: { input: { required: { image: unknown[] } } } })
        .LoadImage.input.required.image[0],
    ).toEqual(['base (1).png', 'base.png', 'example.png']);
  });
});

describe('execution', () => {
  it('asks only for the lazy inputs that are wanted', async () => {
    const { connect } = await start({ testNodes: true });
    const client = await connect();
    const prompt = {
      '1': { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 1, color: 1 } },
      '2': { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 1, color: 2 } },
      '3': { class_type: 'SimLazyChoice', inputs: { use_second: true, first: ['1', 0], second: ['2', 0] } },
      '4': { class_type: 'PreviewImage', inputs: { images: ['3', 0] } },
    };
    await client.run(prompt);
    const executing = client.messages.filter(({ type }) => type === 'executing').map(({ data }) => data['node']);
    expect(executing).toEqual(['3', '2', '3', '4', null]);
  });

  it('blocks a branch and runs the others', async () => {
    const { connect } = await start({ testNodes: true });
    const client = await connect();
    const { outputs, status } = await client.run({
      '1': { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 1, color: 1 } },
      '2': { class_type: 'SimBlock', inputs: { image: ['1', 0], block: true, message: 'not today' } },
      '3': { class_type: 'PreviewImage', inputs: { images: ['2', 0] } },
      '4': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
    });
    expect(status.status_str).toBe('success');
    expect(Object.keys(outputs)).toEqual(['4']);
    const error = client.messages.find(({ type }) => type === 'execution_error');
    expect(error?.data).toMatchObject({
      node_id: '3',
      exception_type: 'ExecutionBlocked',
      exception_message: 'Execution Blocked: not today',
    });
  });

  it('expands a node into others and shows them under its name', async () => {
    const { url, connect } = await start({ testNodes: true });
    const client = await connect();
    const { outputs, status } = await client.run({
      '1': { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 1, color: 0xff0000 } },
      '2': { class_type: 'SimExpandInvert', inputs: { image: ['1', 0], times: 3 } },
      '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'grown' } },
    });
    expect(status.status_str).toBe('success');
    const shown = client.messages
      .filter(({ type }) => type === 'executing')
      .map(({ data }) => [data['node'], data['display_node']]);
    expect(shown).toEqual([
      ['1', '1'],
      ['2', '2'],
      ['2.0.0.1', '2'],
      ['2.0.0.2', '2'],
      ['2.0.0.3', '2'],
      ['3', '3'],
      [null, undefined],
    ]);
    const [image] = outputs['3']?.images ?? [];
    if (image === undefined) throw new Error('no picture');
    const { data } = await sharp(await view(url, image))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([...data.subarray(0, 3)]).toEqual([0, 255, 255]);
  });

  it.each([
    [{ kind: 'classic' } as const, ['3', '4', '5', '6', '7', '8', '9'], []],
    [{ kind: 'lru', maxNodes: 50 } as const, ['3', '4', '5', '6', '7', '8', '9'], ['1', '2']],
    [{ kind: 'none' } as const, [], []],
  ])('caches in mode %j', async (cache, repeated, afterOther) => {
    const { connect } = await start({ cache });
    const client = await connect();
    const cached = async (prompt: unknown): Promise<unknown> => {
      const { status } = await client.run(prompt);
      return status.messages.find(([name]) => name === 'execution_cached')?.[1]['nodes'];
    };
    await cached(plainImage(1));
    await cached(textToImage());
    expect(await cached(textToImage())).toEqual(repeated);
    expect(await cached(plainImage(1))).toEqual(afterOther);
  });

  it('broadcasts the progress of a prompt without client, and nothing else of it', async () => {
    const { url, connect } = await start();
    const client = await connect();
    const answer = await fetch(`${url}/prompt`, { method: 'POST', body: JSON.stringify({ prompt: textToImage() }) });
    expect(answer.status).toBe(200);
    await client.until(
      () => client.messages.filter(({ type }) => type === 'status').length >= 4,
      'the end of the queue',
    );
    const types = new Set(client.messages.map(({ type }) => type));
    expect(types).toEqual(new Set(['status', 'progress_state', 'progress']));
    expect(client.frames.every((frame) => frame.readUInt32BE(0) === 1)).toBe(true);
  });

  it('says out of memory for a batch that is too large', async () => {
    const { connect } = await start();
    const client = await connect();
    const { status } = await client.run({
      '1': { class_type: 'EmptyImage', inputs: { width: 16_384, height: 16_384, batch_size: 1, color: 0 } },
      '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
    });
    expect(status.messages.at(-1)?.[1]).toMatchObject({ node_id: '1', exception_type: 'torch.OutOfMemoryError' });
  });

  it('ends a prompt that is too large for cache keys with an error, and runs the next', async () => {
    const { connect } = await start();
    const client = await connect();
    const large: Record<string, unknown> = { ...plainImage(1) };
    for (let id = 3; id < 700; id += 1)
      large[id] = { class_type: 'ImageInvert', inputs: { image: [id === 3 ? '1' : String(id - 1), 0] } };
    for (let id = 700; id < 2_000; id += 1) large[id] = { class_type: 'PreviewImage', inputs: { images: ['699', 0] } };
    const { outputs, status } = await client.run(large);
    expect([status.status_str, outputs]).toEqual(['error', {}]);
    expect(status.messages.at(-1)).toEqual([
      'execution_error',
      expect.objectContaining({
        exception_type: 'MemoryError',
        exception_message: expect.stringContaining('Split it') as unknown,
      }),
    ]);
    expect((await client.run(plainImage(2))).status.status_str).toBe('success');
  });

  it('keeps seeds of 64 bits in history', async () => {
    const { url, connect } = await start();
    const client = await connect();
    const body = JSON.stringify({ prompt: textToImage({ seed: 77 }), client_id: 'tester' }).replace(
      '"seed":77',
      '"seed":18446744073709551615',
    );
    const { prompt_id: promptId } = (await (await fetch(`${url}/prompt`, { method: 'POST', body })).json()) as {
      prompt_id: string;
    };
    await client.ended(promptId);
    expect(await (await fetch(`${url}/history/${promptId}`)).text()).toContain('"seed":18446744073709551615');
  });
});

describe('0.38', () => {
  it('takes only canonical prompt ids and cancels jobs', async () => {
    const { url, simulator, connect } = await start({ version: '0.38.0' });
    const client = await connect();
    const refused = await client.post(plainImage(1), { prompt_id: 'not a uuid' });
    expect(refused.status).toBe(400);
    expect(refused.body).toMatchObject({ error: { type: 'invalid_prompt_id' } });
    simulator.inject({ kind: 'executor-dead' });
    const promptId = 'f0000000-0000-4000-8000-000000000001';
    expect((await client.post(plainImage(2), { prompt_id: promptId })).status).toBe(200);
    const cancel = async (path: string, body = {}): Promise<unknown> => {
      const answer = await fetch(`${url}/api/jobs/${path}`, { method: 'POST', body: JSON.stringify(body) });
      return answer.json();
    };
    expect(await cancel(`${promptId}/cancel`)).toEqual({ cancelled: true });
    expect(simulator.remaining()).toBe(0);
    expect(await cancel(`${promptId}/cancel`)).toEqual({ cancelled: false });
    await client.post(plainImage(3), { prompt_id: promptId });
    expect(await cancel('cancel', { job_ids: ['unknown', promptId] })).toMatchObject({ invalid_ids: ['unknown'] });
    expect(await cancel('cancel', { job_ids: [promptId] })).toEqual({ cancelled: true });
    expect(simulator.remaining()).toBe(0);
  });

  it('calls an interrupted job cancelled', async () => {
    const { simulator, url, connect } = await start({ version: '0.38.0' });
    const client = await connect();
    simulator.inject({ kind: 'hold', nodeClass: 'VAEDecode' });
    const { promptId } = await client.post(textToImage());
    await client.until(() => client.messages.some(({ type }) => type === 'progress'), 'progress');
    await fetch(`${url}/api/jobs/${promptId}/cancel`, { method: 'POST' });
    await client.ended(promptId);
    expect(await client.get(`/api/jobs/${promptId}`)).toMatchObject({
      status: 'cancelled',
      has_errors: false,
      outputs_count: 0,
    });
    expect(await client.get('/api/jobs?status=cancelled')).toMatchObject({ pagination: { total: 1 } });
    expect(await client.get('/api/jobs?status=lost')).toMatchObject({
      error: expect.stringContaining('Valid values: pending') as unknown,
    });
  });
});

import { CallWrapper, ComfyApi, PromptBuilder } from '@saintno/comfyui-sdk';
import { Client } from '@stable-canvas/comfyui-client';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { textToImage } from '@atelier/comfyui-sim/testing/sample-workflows';
import { simVersions } from '@atelier/comfyui-sim/version/sim-version';
import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

const workflow = textToImage({ text: 'a red fox in snow', steps: 4, width: 128, height: 96, prefix: 'client' });
const prompt = Object.fromEntries(
  Object.entries(workflow).map(([id, node]) => [id, { ...node, _meta: { title: node.class_type } }]),
);

const open: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

async function expectPicture(bytes: ArrayBuffer): Promise<void> {
  const { format, width, height } = await sharp(Buffer.from(bytes)).metadata();
  expect([format, width, height]).toEqual(['png', 128, 96]);
}

describe.each(simVersions)('public clients on the simulator as ComfyUI %s', (version) => {
  async function start(): Promise<string> {
    const simulator = createSimulator({ version });
    open.push(simulator.stop);
    return (await simulator.start()).url;
  }

  it('@saintno/comfyui-sdk makes a picture from a text', async () => {
    const url = await start();
    const api = new ComfyApi(url, 'saintno', { forceWs: true });
    open.push(() => api.destroy());
    await api.init().waitForReady();
    expect(await api.getCheckpoints()).toContain('sd_xl_base_1.0.safetensors');
    const builder = new PromptBuilder(prompt, ['seed'], ['images'])
      .setRawInputNode('seed', '3.inputs.seed')
      .setOutputNode('images', '9')
      .input('seed', 42);
    const progress: number[] = [];
    const result = await new Promise<{ images?: { images?: { filename: string }[] } }>((resolve, reject) => {
      new CallWrapper(api, builder)
        .onProgress(({ value }) => progress.push(value))
        .onFinished((data) => resolve(data as { images?: { images?: { filename: string }[] } }))
        .onFailed(reject)
        .run()
        .catch(reject);
    });
    expect(progress).toEqual([1, 2, 3, 4]);
    const [image] = result.images?.images ?? [];
    expect(image?.filename).toBe('client_00001_.png');
    const file = await api.getImage({ filename: image?.filename ?? '', subfolder: '', type: 'output' });
    await expectPicture(await file.arrayBuffer());
  });

  it('@stable-canvas/comfyui-client makes a picture from a text', async () => {
    const url = await start();
    const client = new Client({ api_host: new URL(url).host, clientId: 'stable-canvas', WebSocket, fetch });
    open.push(() => client.close());
    const stats = await client.getSystemStats();
    expect(stats.devices.length).toBe(1);
    await client.connect();
    expect(await client.getSDModels()).toContain('dreamshaper_8.safetensors');
    const progress: number[] = [];
    const result = await client.enqueue(prompt, { progress: ({ value }) => progress.push(value) });
    expect(progress).toEqual([1, 2, 3, 4]);
    // This client takes preview frames for pictures too; files are those with an address.
    const files = result.images.flatMap((image) => (image.type === 'url' ? [image.data] : []));
    expect(files.length).toBe(1);
    const bytes = await (await fetch(files[0] ?? url)).arrayBuffer();
    await expectPicture(bytes);
  });
});

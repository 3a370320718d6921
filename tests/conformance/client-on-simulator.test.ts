import { createComfyClient } from '@atelier/comfyui/client/comfy-client';
import type { ComfyClient } from '@atelier/comfyui/client/comfy-client';
import { createComfySocket } from '@atelier/comfyui/client/comfy-socket';
import type { ComfySocket } from '@atelier/comfyui/client/comfy-socket';
import { isOutOfMemory, outputFiles } from '@atelier/comfyui/client/finished-prompt';
import { followPrompt } from '@atelier/comfyui/client/follow-prompt';
import type { FollowPromptOptions } from '@atelier/comfyui/client/follow-prompt';
import { interruptPrompt } from '@atelier/comfyui/client/interrupt-prompt';
import { look } from '@atelier/comfyui/client/look';
import type { PromptResult } from '@atelier/comfyui/client/prompt-result';
import { recordPrompt } from '@atelier/comfyui/client/record-prompt';
import type { PromptProgress } from '@atelier/comfyui/client/track-progress';
import { withdrawPrompt } from '@atelier/comfyui/client/withdraw-prompt';
import { textToImage } from '@atelier/comfyui/graph/testing/text-to-image';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { readMetadata } from '@atelier/comfyui/metadata/read-metadata';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import type { Simulator } from '@atelier/comfyui-sim/create-simulator';
import type { FaultInput } from '@atelier/comfyui-sim/faults/fault';
import type { SimulatorOptions } from '@atelier/comfyui-sim/simulator-options';
import { simVersions } from '@atelier/comfyui-sim/version/sim-version';
import { afterEach, describe, expect, it } from 'vitest';

const largestSeed = 18_446_744_073_709_551_615n;

function txt2img(seed: number | bigint, steps = 4): Workflow {
  return textToImage({ seed, steps, prefix: 'fox' });
}

interface Bench {
  simulator: Simulator;
  client: ComfyClient;
  socket: ComfySocket;
  follow(promptId: string, options?: Partial<FollowPromptOptions>): Promise<PromptResult>;
  post(promptId: string, workflow?: Workflow): Promise<void>;
  end(): Promise<void>;
}

const open: Bench[] = [];
let ids = 0;

afterEach(async () => {
  for (const bench of open.splice(0)) await bench.end();
});

function newId(): string {
  ids += 1;
  return `6f1ed002-0000-4000-8000-${String(ids).padStart(12, '0')}`;
}

async function start(options: SimulatorOptions, clientId = 'worker-1'): Promise<Bench> {
  const simulator = createSimulator({ inventory: 'demo', ...options });
  const { url } = await simulator.start();
  return join(simulator, url, clientId);
}

async function join(simulator: Simulator, baseUrl: string, clientId: string): Promise<Bench> {
  const client = createComfyClient({ baseUrl, clientId, fetchTimeoutMs: 1_000, postTimeoutMs: 2_000 });
  const socket = createComfySocket({ baseUrl, clientId, minBackoffMs: 5, maxBackoffMs: 20 });
  const over = new AbortController();
  socket.start();
  await socket.whenOpen();
  const bench: Bench = {
    simulator,
    client,
    socket,
    follow: (promptId, more = {}) =>
      followPrompt({ client, socket, promptId, pollMs: 30, settleMs: 100, signal: over.signal, ...more }),
    post: async (promptId, workflow = txt2img(1)) => {
      expect(await client.postPrompt({ promptId, workflow })).toMatchObject({ state: 'accepted', promptId });
    },
    end: async () => {
      over.abort();
      await socket.close();
      await simulator.stop();
    },
  };
  open.push(bench);
  return bench;
}

/** Prompts that run until someone stops them. An interrupt lands at a step, so they have many: one in about 60 ms. */
const endless: SimulatorOptions = { speed: 1, serviceTimeMs: () => 600_000 };
const endlessly = (seed: number): Workflow => txt2img(seed, 10_000);

async function untilRunning(bench: Bench, promptId: string): Promise<void> {
  while ((await look(bench.client, promptId)).at !== 'running') await new Promise((resolve) => setImmediate(resolve));
}

describe.each(simVersions)('the client on ComfyUI %s, simulated', (version) => {
  it('runs text to image: progress, previews, a picture that holds its workflow', async () => {
    const bench = await start({ version });
    const workflow = txt2img(largestSeed);
    const promptId = newId();
    const recording = recordPrompt(bench.socket, promptId);
    await bench.post(promptId, workflow);
    const progress: PromptProgress[] = [];
    const previews: (string | undefined)[] = [];
    const shown: string[] = [];
    const result = await bench.follow(promptId, {
      socket: undefined,
      recording,
      workflow,
      onProgress: (at) => progress.push(at),
      onPreview: (preview) => previews.push(preview.nodeId),
      onOutput: (nodeId) => shown.push(nodeId),
    });
    expect(result).toMatchObject({ state: 'succeeded', source: 'history' });
    expect(shown).toEqual(['9']);
    expect(new Set(previews)).toEqual(new Set(['3']));
    const fractions = progress.map(({ fraction }) => fraction ?? -1);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(progress.some((at) => at.classType === 'KSampler' && at.max === 4)).toBe(true);
    expect(progress.at(-1)).toMatchObject({ fraction: 1, nodesDone: 7, nodesTotal: 7 });
    const [file] = outputFiles(result.outputs);
    if (file === undefined) throw new Error('no file');
    const picture = await bench.client.view(file);
    expect(picture.contentType).toBe('image/png');
    const metadata = await readMetadata(await new Response(picture.body).bytes());
    expect(metadata.prompt).toEqual(workflow);
  });

  it('runs a fully cached prompt, and one without previews or metadata in them', async () => {
    const bench = await start({ version });
    await bench.post(newId());
    const cached = newId();
    const recording = recordPrompt(bench.socket, cached);
    await bench.post(cached);
    const done: number[] = [];
    const result = await bench.follow(cached, {
      socket: undefined,
      recording,
      workflow: txt2img(1),
      onProgress: (at) => done.push(at.nodesDone),
    });
    expect(result).toMatchObject({ state: 'succeeded', outputs: { '9': { images: [{ type: 'output' }] } } });
    expect(done.at(-1)).toBe(7);

    const plain = createComfySocket({ baseUrl: bench.client.baseUrl, clientId: 'plain', previewMetadata: false });
    plain.start();
    await plain.whenOpen();
    const client = createComfyClient({ baseUrl: bench.client.baseUrl, clientId: 'plain' });
    const promptId = newId();
    const plainRecording = recordPrompt(plain, promptId);
    await client.postPrompt({ promptId, workflow: txt2img(2) });
    let previews = 0;
    await followPrompt({
      client,
      recording: plainRecording,
      promptId,
      onPreview: (preview) => {
        expect(preview.promptId).toBeUndefined();
        previews += 1;
      },
    });
    await plain.close();
    expect(previews).toBeGreaterThan(0);
  });

  it('follows without a socket', async () => {
    const bench = await start({ version });
    const promptId = newId();
    await bench.post(promptId);
    expect(await bench.follow(promptId, { socket: undefined })).toMatchObject({ state: 'succeeded' });
  });

  it('tells refused from accepted and from accepted in part', async () => {
    const { client } = await start({ version });
    const wrong = { ...txt2img(1), '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'nope' } } };
    const promptId = newId();
    expect(await client.postPrompt({ promptId, workflow: wrong })).toMatchObject({
      state: 'refused',
      status: 400,
      error: { type: 'prompt_outputs_failed_validation' },
      nodeErrors: { '4': { errors: [{ type: 'value_not_in_list' }] } },
    });
    expect(await look(client, promptId)).toEqual({ at: 'absent' });
    const partly = {
      '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 0 } },
      '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] as [string, number] } },
      '5': { class_type: 'SaveImage', inputs: { images: ['1', 0] as [string, number] } },
    };
    const posted = await client.postPrompt({ promptId: newId(), workflow: partly });
    expect(posted).toMatchObject({ state: 'accepted', nodeErrors: { '5': { dependentOutputs: ['5'] } } });
  });

  it('tells a failure, and memory that ran out', async () => {
    const bench = await start({ version });
    bench.simulator.inject({ kind: 'execution-error', nodeClass: 'VAEDecode', message: 'no such luck', times: 1 });
    const failing = newId();
    await bench.post(failing);
    expect(await bench.follow(failing)).toMatchObject({
      state: 'failed',
      failure: {
        nodeId: '8',
        nodeType: 'VAEDecode',
        exceptionMessage: expect.stringContaining('no such luck') as string,
      },
    });
    bench.simulator.inject({ kind: 'out-of-memory', nodeClass: 'KSampler', times: 1 });
    const large = newId();
    await bench.post(large, txt2img(5));
    const result = await bench.follow(large);
    expect(result.state === 'failed' && isOutOfMemory(result.failure)).toBe(true);
  });

  it('interrupts its own prompt and no other', async () => {
    const bench = await start({ version, ...endless });
    const other = await join(bench.simulator, bench.client.baseUrl, 'someone-else');
    const mine = newId();
    const theirs = newId();
    await bench.post(mine, endlessly(1));
    await other.post(theirs, endlessly(2));
    await untilRunning(bench, mine);
    expect(await interruptPrompt(other.client, theirs)).toMatchObject({
      state: 'not-running',
      found: { at: 'pending' },
      sent: 0,
    });
    const following = bench.follow(mine);
    expect(await interruptPrompt(bench.client, mine)).toMatchObject({
      state: 'not-running',
      found: { at: 'finished', finished: { outcome: 'interrupted' } },
    });
    expect(await following).toMatchObject({ state: 'interrupted' });
    await untilRunning(other, theirs);
    expect(await interruptPrompt(bench.client, mine)).toMatchObject({ state: 'not-running', sent: 0 });
    expect(await look(other.client, theirs)).toEqual({ at: 'running' });
    await interruptPrompt(other.client, theirs);
  });

  it('withdraws what waits, and says when it is too late', async () => {
    const bench = await start({ version, ...endless });
    const running = newId();
    const waiting = newId();
    await bench.post(running, endlessly(1));
    await bench.post(waiting, endlessly(2));
    await untilRunning(bench, running);
    expect((await bench.client.queue()).pending).toMatchObject([
      { promptId: waiting, clientId: 'worker-1', outputNodeIds: ['9'] },
    ]);
    expect(await withdrawPrompt(bench.client, waiting, { settleMs: 50 })).toEqual({ state: 'withdrawn' });
    expect(await withdrawPrompt(bench.client, running, { settleMs: 50 })).toEqual({ state: 'running' });
    await interruptPrompt(bench.client, running);
    expect(await withdrawPrompt(bench.client, running)).toMatchObject({
      state: 'finished',
      finished: { outcome: 'interrupted' },
    });
  });

  it('finds the prompt again whose answer was lost', async () => {
    const bench = await start({ version });
    bench.simulator.inject({ kind: 'lost-post-answer', mode: 'reset', times: 1 });
    const promptId = newId();
    await expect(bench.client.postPrompt({ promptId, workflow: txt2img(1) })).rejects.toMatchObject({
      code: 'unreachable',
    });
    expect(await bench.follow(promptId)).toMatchObject({ state: 'succeeded' });
    expect(bench.simulator.log().map((entry) => entry.promptId)).toEqual([promptId]);
  });

  it('withdraws a prompt whose POST takes effect after its sender gave up', async () => {
    const bench = await start({ version, ...endless });
    const running = newId();
    await bench.post(running, endlessly(1));
    bench.simulator.inject({ kind: 'slow-post', delayMs: 150, times: 1 });
    const late = newId();
    const signal = AbortSignal.timeout(30);
    await expect(bench.client.postPrompt({ promptId: late, workflow: txt2img(2) }, { signal })).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(await withdrawPrompt(bench.client, late, { settleMs: 400 })).toEqual({ state: 'withdrawn' });
    expect((await bench.client.queue()).pending).toEqual([]);
    await interruptPrompt(bench.client, running);
    expect(bench.simulator.log().map((entry) => entry.promptId)).toEqual([running]);
  });

  it('calls a prompt lost when the server restarts under it', async () => {
    const bench = await start({ version, ...endless });
    const promptId = newId();
    await bench.post(promptId);
    await untilRunning(bench, promptId);
    const following = bench.follow(promptId);
    bench.simulator.inject({ kind: 'crash', restartAfterMs: 50 });
    expect(await following).toMatchObject({ state: 'lost', reason: 'absent' });
    await bench.socket.whenOpen();
  });

  it.each<[string, FaultInput]>([
    ['sockets say nothing', { kind: 'silent-socket' }],
    ['half of the events are dropped', { kind: 'drop-events', probability: 0.5, seed: 3 }],
    ['all ends are dropped', { kind: 'drop-events', types: ['execution_success', 'executing', 'status'] }],
  ])('reaches the end when %s', async (_, fault) => {
    const bench = await start({ version });
    bench.simulator.inject(fault);
    const promptId = newId();
    await bench.post(promptId);
    expect(await bench.follow(promptId)).toMatchObject({ state: 'succeeded', outputs: { '9': {} } });
  });

  it('reaches the end when the socket breaks and the server forgets the new one', async () => {
    const bench = await start({ version, speed: 1, serviceTimeMs: () => 300 });
    const promptId = newId();
    await bench.post(promptId);
    await untilRunning(bench, promptId);
    bench.simulator.inject({ kind: 'unregister-on-reconnect' });
    const following = bench.follow(promptId);
    bench.simulator.inject({ kind: 'close-sockets' });
    expect(await following).toMatchObject({ state: 'succeeded' });
  });

  it('calls a prompt lost whose executor died while HTTP answers', async () => {
    const bench = await start({ version, ...endless });
    const promptId = newId();
    await bench.post(promptId, endlessly(1));
    await untilRunning(bench, promptId);
    bench.simulator.inject({ kind: 'executor-dead' });
    expect(await bench.follow(promptId, { silenceMs: 300 })).toMatchObject({
      state: 'lost',
      reason: 'silent',
      lastSeen: 'running',
    });
  });

  it('gives a hanging server up at the deadline', async () => {
    const bench = await start({ version, ...endless });
    const promptId = newId();
    await bench.post(promptId);
    bench.simulator.inject({ kind: 'hang' });
    expect(await bench.follow(promptId, { deadlineAtMs: performance.now() + 150 })).toMatchObject({
      state: 'lost',
      reason: 'deadline',
    });
    bench.simulator.clearFaults();
  });

  it('uploads, and reads what the server tells of itself', async () => {
    const { client } = await start({ version });
    const png = (text: string) => ({ name: 'dot.png', content: new TextEncoder().encode(text) });
    const first = await client.uploadImage(png('one'), { subfolder: 'refs' });
    const second = await client.uploadImage(png('two'), { subfolder: 'refs' });
    expect([first.inputValue, second.inputValue]).toEqual(['refs/dot.png', 'refs/dot (1).png']);
    const read = await client.view({ filename: second.name, subfolder: 'refs', type: 'input' });
    expect(await new Response(read.body).text()).toBe('two');
    await expect(client.uploadImage(png('x'), { subfolder: '../..' })).rejects.toMatchObject({
      code: 'refused',
      status: 400,
    });
    await expect(client.view({ filename: 'none.png', subfolder: '', type: 'output' })).rejects.toMatchObject({
      code: 'refused',
      status: 404,
    });
    expect((await client.systemStats()).comfyuiVersion).toBe(version);
    expect(await client.models('checkpoints')).toContain('tiny-a.safetensors');
    expect(await client.models('nope')).toBeUndefined();
    expect(await client.modelFolders()).toContain('loras');
    expect(await client.embeddings()).toEqual(expect.any(Array));
    expect(await client.features()).toMatchObject({ supports_preview_metadata: true });
    expect(parseJson(await client.objectInfo())).toHaveProperty('KSampler');
    expect(await client.canInterruptOne()).toBe(true);
    expect((await client.jobs()) === undefined).toBe(version === '0.3.64');
    await client.free({ unloadModels: true, freeMemory: true });
  });

  it('reads the server’s log while it has subscribed to it, and no longer', async () => {
    const bench = await start({ version });
    const lines: string[] = [];
    let heard = Promise.withResolvers<undefined>();
    bench.socket.subscribe({
      onEvent: (event) => {
        if (event.type !== 'logs') return;
        lines.push(...event.entries.map(({ message }) => message.trimEnd()));
        if (lines.at(-1)?.startsWith('Prompt executed') === true) heard.resolve(undefined);
      },
    });
    const run = async (seed: number): Promise<void> => {
      const promptId = newId();
      await bench.post(promptId, txt2img(seed));
      await bench.follow(promptId);
    };
    await bench.client.subscribeLogs(true);
    await run(1);
    await heard.promise;
    expect(lines).toEqual(['got prompt', expect.stringMatching(/^Prompt executed in \d+\.\d\d seconds$/)]);
    await bench.client.subscribeLogs(false);
    await run(2);
    heard = Promise.withResolvers<undefined>();
    await bench.client.subscribeLogs(true);
    await run(3);
    await heard.promise;
    expect(lines).toHaveLength(4);
  });
});

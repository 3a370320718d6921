import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createComfyClient } from './comfy-client.ts';
import type { ComfyClient } from './comfy-client.ts';
import { createComfySocket } from './comfy-socket.ts';
import type { ComfySocket } from './comfy-socket.ts';
import { followPrompt } from './follow-prompt.ts';
import type { FollowPromptOptions } from './follow-prompt.ts';
import type { PromptResult } from './prompt-result.ts';
import { recordPrompt } from './record-prompt.ts';
import { startFakeComfy } from './testing/fake-comfy.ts';
import type { FakeComfy } from './testing/fake-comfy.ts';

const promptId = '6f1ed002-0000-4000-8000-000000000002';
const workflow = { '9': { class_type: 'SaveImage', inputs: {} } };
const output = { images: [{ filename: 'a.png', subfolder: '', type: 'output' }] };

let fake: FakeComfy;
let client: ComfyClient;
let socket: ComfySocket;

beforeEach(async () => {
  fake = await startFakeComfy();
  client = createComfyClient({ baseUrl: fake.baseUrl, clientId: 'worker-1', fetchTimeoutMs: 2_000 });
  socket = createComfySocket({ baseUrl: fake.baseUrl, clientId: 'worker-1', minBackoffMs: 5, maxBackoffMs: 10 });
  socket.start();
  await socket.whenOpen();
});

afterEach(async () => {
  await socket.close();
  await fake.stop();
});

function follow(options: Partial<FollowPromptOptions> = {}): Promise<PromptResult> {
  return followPrompt({ client, socket, promptId, pollMs: 20, settleMs: 60, ...options });
}

describe('a run over real connections', () => {
  it('is recorded from before the POST and followed to its end', async () => {
    const recording = recordPrompt(socket, promptId);
    expect(await client.postPrompt({ promptId, workflow })).toMatchObject({ state: 'accepted' });
    fake.start(promptId);
    fake.send('execution_start', { prompt_id: promptId, timestamp: 1 });
    fake.send('executed', { prompt_id: promptId, node: '9', display_node: '9', output });
    fake.send('execution_success', { prompt_id: promptId });
    fake.finish(promptId, 'success', { '9': output });
    const seen: string[] = [];
    const result = await follow({ socket: undefined, recording, onOutput: (node) => seen.push(node) });
    expect(result).toMatchObject({ state: 'succeeded', outputs: { '9': output } });
  });

  it('is found again after its answer was lost', async () => {
    fake.handler = (request, response) => {
      if (request.path !== '/prompt') return false;
      fake.pending.push(promptId);
      response.destroy();
      return true;
    };
    await expect(client.postPrompt({ promptId, workflow })).rejects.toMatchObject({ code: 'unreachable' });
    const following = follow();
    fake.start(promptId);
    fake.finish(promptId, 'success', { '9': output });
    expect(await following).toMatchObject({ state: 'succeeded' });
  });

  it('is lost when the server restarts in the middle, and the socket comes back', async () => {
    await client.postPrompt({ promptId, workflow });
    fake.start(promptId);
    let restarted: Promise<void> | undefined;
    const result = await follow({
      onState: (state) => {
        if (state === 'running') restarted = fake.restart();
      },
    });
    await restarted;
    expect(result).toMatchObject({ state: 'lost', reason: 'absent' });
    await socket.whenOpen();
    expect(fake.sockets).toHaveLength(2);
  });

  it('goes on when the socket breaks and events pass meanwhile', async () => {
    await client.postPrompt({ promptId, workflow });
    const following = follow({ pollMs: 600_000 });
    await fake.untilRequests(`GET /api/jobs/${promptId}`, 1);
    fake.start(promptId);
    fake.sockets[0]?.ws.terminate();
    fake.finish(promptId, 'error');
    expect(await following).toMatchObject({ state: 'failed', failure: { exceptionType: 'torch.OutOfMemoryError' } });
  });

  it('is followed at a version without /api/jobs, behind a proxy that answers 502 now and then', async () => {
    fake.jobsApi = false;
    let requests = 0;
    fake.handler = (request, response) => {
      requests += 1;
      if (request.method !== 'GET' || requests % 5 !== 0) return false;
      response.writeHead(502).end('<html>');
      return true;
    };
    fake.running.push(promptId);
    const following = follow({ socket: undefined });
    await fake.untilRequests('GET /queue', 3);
    fake.finish(promptId, 'interrupted');
    expect(await following).toMatchObject({ state: 'interrupted', nodeId: '3' });
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ComfyError } from '../errors/comfy-error.ts';
import { errorOf } from '../errors/testing/error-of.ts';
import type { Json } from '../json/json.ts';
import { parseJson } from '../json/parse-json.ts';
import { createComfyClient } from './comfy-client.ts';
import type { ComfyClient } from './comfy-client.ts';
import { outputFiles } from './finished-prompt.ts';
import { bodyOf, historyEntry, sendJson, startFakeComfy } from './testing/fake-comfy.ts';
import type { FakeComfy } from './testing/fake-comfy.ts';

const promptId = '6f1ed002-0000-4000-8000-000000000001';
const workflow = { '9': { class_type: 'SaveImage', inputs: { images: ['8', 0] as Json, filename_prefix: 'a' } } };

let fake: FakeComfy;
let client: ComfyClient;

beforeEach(async () => {
  fake = await startFakeComfy();
  client = createComfyClient({ baseUrl: fake.baseUrl, clientId: 'worker-1', fetchTimeoutMs: 2_000 });
});

afterEach(() => fake.stop());

async function caught(call: Promise<unknown>): Promise<ComfyError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ComfyError)) throw new Error('expected a ComfyError', { cause: error });
  return error;
}

describe('postPrompt', () => {
  it('sends the id, the client and the extra data, and gives back what was accepted', async () => {
    const posted = await client.postPrompt({ promptId, workflow, extraData: { job: 'j1', attempt: 2 } });
    expect(posted).toEqual({ state: 'accepted', promptId, number: 0, nodeErrors: {} });
    const body = fake.requests[0];
    expect(body && bodyOf(body)).toEqual({
      prompt: workflow,
      prompt_id: promptId,
      client_id: 'worker-1',
      extra_data: { job: 'j1', attempt: 2 },
    });
  });

  it('keeps integers beyond 2^53, from objects and from text', async () => {
    const seed = 18_446_744_073_709_551_615n;
    const sampler = { class_type: 'KSampler', inputs: { seed } };
    await client.postPrompt({ promptId, workflow: { '3': sampler } });
    await client.postPrompt({
      promptId,
      workflow: `{"3": {"class_type": "KSampler", "inputs": {"seed": ${seed}, "cfg": 7.0}}}`,
    });
    const [first, second] = fake.requests.map((request) => request.body.toString('utf8'));
    expect(first).toContain('"seed":18446744073709551615');
    expect(second).toContain('"seed": 18446744073709551615, "cfg": 7.0');
  });

  it('refuses text that is not one JSON object before anything is sent', async () => {
    for (const text of ['{}, "number": -1', '[]', 'null', '{"1": ']) {
      expect((await caught(client.postPrompt({ promptId, workflow: text }))).code).toBe('malformed');
    }
    expect(fake.requests).toEqual([]);
  });

  it('returns a refusal with its node errors', async () => {
    fake.handler = (_, response) => {
      sendJson(response, 400, {
        error: {
          type: 'prompt_outputs_failed_validation',
          message: 'Prompt outputs failed validation',
          details: '',
          extra_info: {},
        },
        node_errors: {
          '3': {
            class_type: 'KSampler',
            dependent_outputs: ['9'],
            errors: [
              {
                type: 'value_not_in_list',
                message: 'Value not in list',
                details: 'x',
                extra_info: { input_name: 'sampler_name' },
              },
            ],
          },
        },
      });
      return true;
    };
    const refused = await client.postPrompt({ promptId, workflow });
    expect(refused).toMatchObject({
      state: 'refused',
      status: 400,
      error: { type: 'prompt_outputs_failed_validation' },
      nodeErrors: { '3': { classType: 'KSampler', dependentOutputs: ['9'], errors: [{ type: 'value_not_in_list' }] } },
    });
  });

  it.each([
    [400, 'not json', 'http_400'],
    [413, '<html>too large</html>', 'http_413'],
    [403, '', 'http_403'],
    [302, '', 'http_302'],
    [400, '{"error": "vetoed by a custom node", "node_errors": []}', 'refused'],
  ])('returns a refusal for status %i with the body %j', async (status, body, type) => {
    fake.handler = (_, response) => {
      response.writeHead(status, { location: '/elsewhere' }).end(body);
      return true;
    };
    expect(await client.postPrompt({ promptId, workflow })).toMatchObject({
      state: 'refused',
      status,
      error: { type },
    });
    expect(fake.requests).toHaveLength(1);
  });

  it.each([
    [500, '500 Internal Server Error\n\nServer got itself in trouble'],
    [502, '<html>bad gateway</html>'],
    [408, ''],
    [200, '<html>log in</html>'],
    [200, '{"prompt_id": '],
    [200, '{}'],
  ])('says that the outcome is unknown for status %i with the body %j', async (status, body) => {
    fake.handler = (_, response) => {
      response.writeHead(status).end(body);
      return true;
    };
    expect(await caught(client.postPrompt({ promptId, workflow }))).toMatchObject({ code: 'unreachable', status });
  });

  it('says that the outcome is unknown when the answer is lost after the prompt was queued', async () => {
    fake.handler = (request, response) => {
      if (request.method !== 'POST') return false;
      fake.pending.push(promptId);
      response.destroy();
      return true;
    };
    expect((await caught(client.postPrompt({ promptId, workflow }))).code).toBe('unreachable');
    expect((await client.queue()).pending.map((item) => item.promptId)).toEqual([promptId]);
  });

  it('reads a queue whose output ids are odd', async () => {
    fake.handler = (request, response) => {
      response.end(
        JSON.stringify({ queue_running: [[1, promptId, {}, {}, ['9', { toString: 1 }, null]]], queue_pending: [] }),
      );
      return request.method === 'GET';
    };
    expect((await client.queue()).running).toMatchObject([{ promptId, outputNodeIds: ['9'] }]);
  });

  it('says so when no answer comes in time, and when half of one comes', async () => {
    const hasty = createComfyClient({ baseUrl: fake.baseUrl, clientId: 'w', postTimeoutMs: 50 });
    fake.handler = () => true;
    expect((await caught(hasty.postPrompt({ promptId, workflow }))).message).toContain('no answer within 50 ms');
    fake.handler = (_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"prompt_id":');
      response.destroy();
      return true;
    };
    expect((await caught(client.postPrompt({ promptId, workflow }))).code).toBe('unreachable');
  });

  it('ends with aborted when its signal fires', async () => {
    fake.handler = () => true;
    const controller = new AbortController();
    const posting = caught(client.postPrompt({ promptId, workflow }, { signal: controller.signal }));
    await fake.untilRequests('POST /prompt', 1);
    controller.abort();
    expect((await posting).code).toBe('aborted');
    expect((await caught(client.queue({ signal: controller.signal }))).code).toBe('aborted');
  });
});

describe('errors', () => {
  it('say where, and never repeat a header, a password or a query', async () => {
    await fake.stop();
    const url = new URL(fake.baseUrl);
    url.username = 'someone';
    url.password = 'hunter2';
    const secretive = createComfyClient({
      baseUrl: url.href,
      clientId: 'w',
      headers: { authorization: 'Bearer t0ken' },
    });
    const error = await caught(secretive.view({ filename: 'private.png', subfolder: '', type: 'output' }));
    expect(error.message).toBe(`ComfyUI could not be reached at GET ${fake.baseUrl}/view: ECONNREFUSED.`);
    expect(JSON.stringify([error.message, error.hint, error.body, String(error.cause)])).not.toMatch(
      /hunter2|t0ken|private/,
    );
    fake = await startFakeComfy();
  });

  it('tell a refusal from a proxy that cannot reach ComfyUI and from an answer in another shape', async () => {
    const answers: [number, string, string][] = [
      [403, '', 'refused'],
      [500, 'trouble', 'refused'],
      [502, '', 'unreachable'],
      [503, '', 'unreachable'],
      [200, '<html></html>', 'malformed'],
      [200, '{"queue_running": {}}', 'malformed'],
    ];
    for (const [status, body, code] of answers) {
      fake.handler = (_, response) => {
        response.writeHead(status).end(body);
        return true;
      };
      expect((await caught(client.queue())).code, `${status} ${body}`).toBe(code);
    }
  });

  it('refuse answers beyond the cap, announced or not', async () => {
    const small = createComfyClient({
      baseUrl: fake.baseUrl,
      clientId: 'w',
      maxJsonBytes: 1_000,
      maxFileBytes: 1_000,
      maxObjectInfoBytes: 1_000,
    });
    for (const announced of [true, false]) {
      fake.handler = (_, response) => {
        if (announced) response.setHeader('content-length', '5000');
        response.write('x'.repeat(600));
        response.end('x'.repeat(4_400));
        return true;
      };
      expect((await caught(small.queue())).code).toBe('too_large');
      expect((await caught(small.objectInfo())).code).toBe('too_large');
      const read = small
        .view({ filename: 'a', subfolder: '', type: 'output' })
        .then((file) => new Response(file.body).bytes());
      expect((await caught(read)).code).toBe('too_large');
    }
  });

  it('refuse an address that is not http', () => {
    for (const baseUrl of ['', 'localhost:8188', 'ftp://x', 'file:///etc/passwd']) {
      expect(() => createComfyClient({ baseUrl, clientId: 'w' })).toThrow(ComfyError);
    }
  });
});

describe('queue and history', () => {
  it('sorts pending by number and keeps the workflow and the extra data', async () => {
    fake.handler = (_, response) => {
      response.end(
        `{"queue_running": [[9, "a", {"3": {"inputs": {"seed": 18446744073709551615}}}, {"client_id": "c", "job": "j"}, ["9"]]],
          "queue_pending": [[11, "late", {}, {}, []], [-12, "first", {}, {}, [], {"sensitive": 1}], [10.5, "middle", {}, {}, []]]}`,
      );
      return true;
    };
    const queue = await client.queue();
    expect(queue.pending.map((item) => item.promptId)).toEqual(['first', 'middle', 'late']);
    expect(queue.running[0]).toEqual({
      number: 9,
      promptId: 'a',
      workflow: parseJson('{"3": {"inputs": {"seed": 18446744073709551615}}}'),
      extraData: { client_id: 'c', job: 'j' },
      clientId: 'c',
      outputNodeIds: ['9'],
    });
  });

  it('tells success, failure, interrupt and absence apart, with and without /api/jobs', async () => {
    const images = [{ filename: 'a_00001_.png', subfolder: 'sub', type: 'output' }];
    fake.history.set('ok', historyEntry('ok', 'success', { '9': { images, text: ['hi'], animated: [false] } }));
    fake.history.set('bad', historyEntry('bad', 'error'));
    fake.history.set('stopped', historyEntry('stopped', 'interrupted'));
    const viaJobs = async (id: string) => {
      const job = await client.job(id);
      return job.at === 'finished' ? job.finished : undefined;
    };
    for (const read of [(id: string) => client.history(id), viaJobs]) {
      const ok = await read('ok');
      expect(ok).toMatchObject({ outcome: 'succeeded', startedAtMs: 1_700_000_001_000, endedAtMs: 1_700_000_002_000 });
      expect(ok && outputFiles(ok.outputs)).toEqual([{ nodeId: '9', kind: 'images', ...images[0] }]);
      expect(await read('bad')).toMatchObject({
        outcome: 'failed',
        failure: { nodeId: '3', nodeType: 'KSampler', exceptionType: 'torch.OutOfMemoryError', executed: ['4'] },
      });
      expect(await read('stopped')).toMatchObject({ outcome: 'interrupted', interruptedAt: '3' });
      expect(await read('none')).toBeUndefined();
    }
  });

  it('finds out whether /api/jobs exists, and asks again after the server was away', async () => {
    fake.jobsApi = false;
    expect(await client.job(promptId)).toEqual({ at: 'unsupported' });
    expect(await client.jobs()).toBeUndefined();
    expect(await client.cancelJob(promptId)).toBe(false);
    expect(fake.requests.map(({ path }) => path)).toEqual([`/api/jobs/${promptId}`, `/api/jobs/${promptId}/cancel`]);
    fake.handler = (_, response) => {
      response.destroy();
      return true;
    };
    await caught(client.queue());
    fake.handler = undefined;
    fake.jobsApi = true;
    expect(await client.job(promptId)).toEqual({ at: 'absent' });
    fake.pending.push(promptId);
    expect(await client.job(promptId)).toMatchObject({ at: 'pending' });
  });
});

describe('files', () => {
  it('uploads bytes and streams alike and gives back the name that the server chose', async () => {
    const content = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 0, 255]);
    fake.handler = (_, response) => {
      sendJson(response, 200, { name: 'dot (1).png', subfolder: 'refs', type: 'input' });
      return true;
    };
    for (const body of [new Uint8Array(content), new Blob([content]).stream()]) {
      const uploaded = await client.uploadImage(
        { name: 'dot "1".png', content: body, contentType: 'image/png' },
        { subfolder: 'refs', overwrite: true },
      );
      expect(uploaded).toEqual({
        name: 'dot (1).png',
        subfolder: 'refs',
        type: 'input',
        inputValue: 'refs/dot (1).png',
      });
      const request = fake.requests.at(-1);
      const form = await new Response(request?.body, {
        headers: { 'content-type': request?.headers['content-type'] ?? '' },
      }).formData();
      expect(form.get('subfolder')).toBe('refs');
      expect(form.get('overwrite')).toBe('true');
      expect(form.get('type')).toBe('input');
      const file = form.get('image');
      if (!(file instanceof File)) throw new Error('no file in the form');
      expect(file.name).toBe('dot "1".png');
      expect(Buffer.from(await file.arrayBuffer())).toEqual(content);
    }
  });

  it('says so when an upload is refused', async () => {
    fake.handler = (_, response) => {
      response.writeHead(400).end();
      return true;
    };
    const upload = client.uploadImage({ name: 'a.png', content: new Uint8Array(3) }, { subfolder: '../x' });
    expect(await caught(upload)).toMatchObject({ code: 'refused', status: 400 });
  });

  it('names the original of a mask', async () => {
    fake.handler = (_, response) => {
      sendJson(response, 200, { name: 'mask.png', subfolder: '', type: 'input' });
      return true;
    };
    await client.uploadMask(
      { name: 'mask.png', content: new Uint8Array(3) },
      { filename: 'a.png', subfolder: 's', type: 'input' },
    );
    expect(fake.requests[0]?.body.toString('latin1')).toContain('{"filename":"a.png","subfolder":"s","type":"input"}');
  });

  it('streams a file with its size and breaks off clearly when the server does', async () => {
    fake.handler = (request, response) => {
      expect(request.path).toBe('/view?filename=a+%26+b.png&subfolder=s%2Ft&type=temp');
      response.writeHead(200, { 'content-type': 'image/png', 'content-length': '6' }).end('abcdef');
      return true;
    };
    const ref = { filename: 'a & b.png', subfolder: 's/t', type: 'temp' };
    const file = await client.view(ref);
    expect(file).toMatchObject({ status: 200, contentType: 'image/png', sizeBytes: 6 });
    expect(await new Response(file.body).text()).toBe('abcdef');
    fake.handler = (_, response) => {
      response.writeHead(200, { 'content-length': '6' });
      response.write('abc', () => response.destroy());
      return true;
    };
    expect((await caught(client.view(ref).then((cut) => new Response(cut.body).text()))).code).toBe('unreachable');
    fake.handler = (_, response) => {
      response.writeHead(404).end('not found');
      return true;
    };
    expect(await caught(client.view(ref))).toMatchObject({ code: 'refused', status: 404 });
  });
});

describe('the server', () => {
  it('tells its version, its memory and whether it can stop one prompt', async () => {
    fake.handler = (_, response) => {
      sendJson(response, 200, {
        system: { comfyui_version: '0.3.64', ram_total: 25276514304, python_version: '3.13.5' },
        devices: [{ name: 'cuda:0', type: 'cuda', index: 0, vram_total: 25276514304, vram_free: 1000 }],
      });
      return true;
    };
    expect(await client.systemStats()).toMatchObject({
      comfyuiVersion: '0.3.64',
      ramTotalBytes: 25276514304,
      devices: [{ name: 'cuda:0', type: 'cuda', vramTotalBytes: 25276514304, vramFreeBytes: 1000 }],
    });
    expect(await client.canInterruptOne()).toBe(true);
  });

  it('lists models, embeddings and features', async () => {
    fake.handler = (request, response) => {
      if (request.path === '/models/nope') response.writeHead(404).end();
      else if (request.path === '/features') sendJson(response, 200, { max_upload_size: 104857600 });
      else sendJson(response, 200, ['a.safetensors']);
      return true;
    };
    expect(await client.models('checkpoints')).toEqual(['a.safetensors']);
    expect(await client.models('nope')).toBeUndefined();
    expect(await client.modelFolders()).toEqual(['a.safetensors']);
    expect(await client.embeddings()).toEqual(['a.safetensors']);
    expect(await client.features()).toEqual({ max_upload_size: 104857600 });
  });

  it('is told exactly what to delete, to stop and to free', async () => {
    await client.deletePending(['a', 'b']);
    await client.interrupt('a');
    expect(fake.requests.map((request) => [request.path, bodyOf(request)])).toEqual([
      ['/queue', { delete: ['a', 'b'] }],
      ['/interrupt', { prompt_id: 'a' }],
    ]);
    expect((await caught(client.interrupt(''))).code).toBe('invalid_value');
    fake.handler = (_, response) => {
      response.end();
      return true;
    };
    await client.free({ unloadModels: true, freeMemory: false });
    await client.interruptAny();
    await client.subscribeLogs(true);
    expect(fake.requests.slice(2).map((request) => [request.path, bodyOf(request)])).toEqual([
      ['/free', { unload_models: true, free_memory: false }],
      ['/interrupt', {}],
      ['/internal/logs/subscribe', { enabled: true, clientId: 'worker-1' }],
    ]);
  });
});

it.each(['ftp://host', 'no address', 'http://ada:100%@host'])('refuses the address %s', (baseUrl) => {
  expect(errorOf(() => createComfyClient({ baseUrl, clientId: 'me' }))).toMatchObject({ code: 'invalid_value' });
});

import { createHash, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createComfyClient } from '@atelier/comfyui/client/comfy-client';
import { createComfySocket } from '@atelier/comfyui/client/comfy-socket';
import { outputFiles } from '@atelier/comfyui/client/finished-prompt';
import { followPrompt } from '@atelier/comfyui/client/follow-prompt';
import { recordPrompt } from '@atelier/comfyui/client/record-prompt';
import { parseWorkflow } from '@atelier/comfyui/graph/parse-workflow';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import type { NewJob } from '@atelier/shared/contracts/job';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';

type Done = Pick<JobWithOutputs, 'state' | 'outputs' | 'error' | 'gpuSeconds'>;

/** Runs jobs on one ComfyUI, one at a time, and writes their pictures into a folder. */
export async function connectComfyRunner(baseUrl: string, folder: string, say: (line: string) => void) {
  const clientId = randomUUID();
  const client = createComfyClient({ baseUrl, clientId });
  const objectInfo = await client.objectInfo();
  const socket = createComfySocket({ baseUrl, clientId });
  socket.start();

  async function execute(job: NewJob): Promise<Done> {
    const workflow = parseWorkflow(parseJson(job.workflowText));
    const promptId = randomUUID();
    const startedAt = performance.now();
    await socket.whenOpen();
    const recording = recordPrompt(socket, promptId);
    const posted = await client.postPrompt({ promptId, workflow });
    if (posted.state !== 'accepted') return failed('ComfyUI did not accept the workflow.');
    const result = await followPrompt({ client, recording, promptId, workflow });
    if (result.state !== 'succeeded') return failed(`the run ended: ${result.state}`);
    await mkdir(folder, { recursive: true });
    const outputs: JobWithOutputs['outputs'] = [];
    for (const [index, file] of outputFiles(result.outputs).entries()) {
      const bytes = await buffer((await client.view(file)).body);
      const path = join(folder, basename(file.filename));
      await writeFile(path, bytes);
      say(`wrote ${path}`);
      outputs.push({
        index,
        hash: createHash('sha256').update(bytes).digest('hex'),
        mediaType: 'image/png',
        bytes: bytes.byteLength,
        nodeId: '',
        filename: basename(file.filename),
      });
    }
    return { state: 'succeeded', outputs, error: null, gpuSeconds: (performance.now() - startedAt) / 1_000 };
  }

  return { objectInfo, execute, close: () => socket.close() };
}

function failed(details: string): Done {
  const error = { code: 'execution_error', message: { en: details, zh: details }, details };
  return { state: 'failed', outputs: [], error, gpuSeconds: 0 };
}

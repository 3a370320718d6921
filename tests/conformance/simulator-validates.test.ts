import { isDeepStrictEqual } from 'node:util';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { readRecordedValidations, recordedVersions } from '@atelier/comfyui/registry/recorded-registry';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createNames, normalise } from './normalise.ts';

const recordedSchema = z.object({ name: z.string(), status: z.number(), response: z.unknown() });

/** The prompt as it stands in the line: reading it as JSON would lose seeds above 2^53. */
function promptText(line: string): string {
  const start = line.indexOf('"prompt":') + '"prompt":'.length;
  const end = line.lastIndexOf(',"status":');
  return line.slice(start, end);
}

/** Ids and numbers are the run's own; the order of nodes in an object says nothing. */
function comparable(response: unknown): unknown {
  if (typeof response !== 'object' || response === null) return response;
  return normalise({ ...response, prompt_id: '', number: 0 }, createNames());
}

/** How the recorder kept an answer that is no JSON. */
function isPlainText(response: unknown): response is { not_json: string } {
  return typeof response === 'object' && response !== null && 'not_json' in response;
}

describe.each(recordedVersions)('POST /prompt of the simulator as ComfyUI %s', (version) => {
  it('answers every recorded prompt as the server did', { timeout: 60_000 }, async () => {
    const simulator = createSimulator({ version, inventory: 'recorded' });
    // Accepted prompts stay in the queue: only the answers are looked at here.
    simulator.inject({ kind: 'executor-dead' });
    const { url } = await simulator.start();
    const differences: string[] = [];
    let compared = 0;
    try {
      for (const line of readRecordedValidations(version)) {
        const recorded = recordedSchema.parse(JSON.parse(line));
        const answer = await fetch(`${url}/prompt`, { method: 'POST', body: `{"prompt":${promptText(line)}}` });
        const text = await answer.text();
        const response: unknown =
          answer.headers.get('content-type')?.startsWith('application/json') === true ? JSON.parse(text) : text;
        const said = isPlainText(recorded.response) ? recorded.response.not_json : recorded.response;
        compared += 1;
        if (answer.status === recorded.status && isDeepStrictEqual(comparable(response), comparable(said))) continue;
        differences.push(`${recorded.name}: ${answer.status} ${text.slice(0, 300)}`);
      }
    } finally {
      await simulator.stop();
    }
    expect(differences).toEqual([]);
    expect(compared).toBe(400);
  });
});

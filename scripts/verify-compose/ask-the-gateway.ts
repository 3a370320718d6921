import { z } from 'zod';
import { untilSeen } from '../../tests/support/until-seen.ts';

/** Between two looks. */
const everyMs = 200;

export interface GatewayAddresses {
  /** Of the HTTP interface. */
  gatewayUrl: string;
  /** Of the door that speaks ComfyUI's protocol. */
  doorUrl: string;
  token: string;
}

const acceptedSchema = z.object({ prompt_id: z.string() });
const jobSchema = z.object({
  status: z.string(),
  finishedAt: z.string().optional(),
  outputs: z.array(z.object({ url: z.string() })),
});
const historySchema = z.record(
  z.string(),
  z.object({ outputs: z.record(z.string(), z.object({ images: z.array(z.record(z.string(), z.string())) })) }),
);
/** A picture of one colour: it needs no model. */
const plainPrompt = {
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 4_210_752 } },
  '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'verify' } },
};

/** Asks for a picture over the HTTP interface. @returns its file. @throws unless it ends well with exactly one. */
export async function drawOverHttp(addresses: GatewayAddresses, withinMs: number): Promise<Uint8Array> {
  const { gatewayUrl } = addresses;
  const request = { kind: 'imagine', options: { prompt: 'a bridge in fog', width: 256, height: 256 } };
  const answer = await call(addresses, new URL('/api/v1/jobs', gatewayUrl), { request });
  const { prompt_id: id } = acceptedSchema.parse(await answer.json());
  const job = await untilSeen(
    async () => {
      const found = jobSchema.parse(await (await call(addresses, new URL(`/api/v1/jobs/${id}`, gatewayUrl))).json());
      return found.finishedAt === undefined ? undefined : found;
    },
    { what: `the end of ${id}`, withinMs, everyMs },
  );
  const [output, ...others] = job.outputs;
  if (job.status !== 'succeeded' || output === undefined || others.length > 0)
    throw new Error(`the job over HTTP ended as "${job.status}" with ${job.outputs.length} files`);
  return new Uint8Array(await (await call(addresses, new URL(output.url, gatewayUrl))).arrayBuffer());
}

/** Sends a prompt as a ComfyUI client does. @returns its file. @throws unless it ends well with exactly one. */
export async function drawThroughDoor(addresses: GatewayAddresses, withinMs: number): Promise<Uint8Array> {
  const { doorUrl } = addresses;
  const answer = await call(addresses, new URL('/prompt', doorUrl), { prompt: plainPrompt });
  const { prompt_id: id } = acceptedSchema.parse(await answer.json());
  const entry = await untilSeen(
    async () => {
      const history = await (await call(addresses, new URL(`/history/${id}`, doorUrl))).json();
      return historySchema.parse(history)[id];
    },
    { what: `the history of ${id}`, withinMs, everyMs },
  );
  const [file, ...others] = Object.values(entry.outputs).flatMap(({ images }) => images);
  if (file === undefined || others.length > 0) throw new Error('the prompt did not end with exactly one file');
  const view = new URL(`/view?${new URLSearchParams(file).toString()}`, doorUrl);
  return new Uint8Array(await (await call(addresses, view)).arrayBuffer());
}

async function call({ token }: GatewayAddresses, url: URL, body?: unknown): Promise<Response> {
  const answer = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  if (answer.ok) return answer;
  throw new Error(`${url.pathname} answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
}

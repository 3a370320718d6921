import { randomUUID } from 'node:crypto';
import { z } from 'zod';

const imageSchema = z.looseObject({ hash: z.string(), mediaType: z.string(), width: z.number().optional() });
export const webCardSchema = z.looseObject({
  requestId: z.uuid(),
  state: z.string(),
  final: z.boolean(),
  headline: z.string(),
  revision: z.number(),
  tiles: z.array(z.looseObject({ state: z.string(), image: imageSchema.optional() })),
});
export type WebCard = z.infer<typeof webCardSchema>;

const acceptedSchema = z.looseObject({ outcome: z.literal('accepted'), requestId: z.uuid(), created: z.boolean() });

/** One person who speaks the page's HTTP interface, as the page and the terminal command do. */
export interface WebClient {
  /** Goes on with the same event id until it is accepted: what the page does while a part is away. */
  submit(text: string, eventId?: string): Promise<string>;
  post(path: string, body: unknown): Promise<Response>;
  get(path: string): Promise<Response>;
  card(requestId: string): Promise<WebCard>;
  timeline(): Promise<WebCard[]>;
  /** Asks again until the card is final, whatever is away meanwhile. */
  untilFinal(requestId: string, withinMs?: number): Promise<WebCard>;
}

export function createWebClient(webUrl: () => string, user: string): WebClient {
  const headers = { 'x-atelier-door': 'cli', 'x-atelier-user': user, 'x-atelier-name': user };
  const get = (path: string): Promise<Response> => fetch(new URL(path, webUrl()), { headers });
  const post = (path: string, body: unknown): Promise<Response> =>
    fetch(new URL(path, webUrl()), {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  async function patiently<T>(what: string, withinMs: number, attempt: () => Promise<T | undefined>): Promise<T> {
    const deadline = performance.now() + withinMs;
    let last: unknown;
    while (performance.now() < deadline) {
      try {
        const result = await attempt();
        if (result !== undefined) return result;
      } catch (error) {
        last = error;
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`${what} did not happen within ${withinMs} ms`, { cause: last });
  }
  async function card(requestId: string): Promise<WebCard> {
    const answer = await get(`/api/requests/${requestId}`);
    if (!answer.ok) throw new Error(`GET /api/requests answered ${answer.status}: ${await answer.text()}`);
    return webCardSchema.parse(await answer.json());
  }
  return {
    post,
    get,
    card,
    submit: (text, eventId = randomUUID()) =>
      patiently('accepting', 30_000, async () => {
        const answer = await post('/api/requests', { eventId, text });
        if (answer.status === 503) return undefined;
        if (answer.status !== 202)
          throw new Error(`POST /api/requests answered ${answer.status}: ${await answer.text()}`);
        return acceptedSchema.parse(await answer.json()).requestId;
      }),
    async timeline() {
      const answer = await get('/api/timeline?limit=100');
      return z.object({ cards: z.array(webCardSchema) }).parse(await answer.json()).cards;
    },
    untilFinal: (requestId, withinMs = 40_000) =>
      patiently(`the end of ${requestId}`, withinMs, async () => {
        const found = await card(requestId);
        return found.final ? found : undefined;
      }),
  };
}

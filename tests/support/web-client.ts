import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { untilSeen } from './until-seen.ts';

const imageSchema = z.looseObject({ hash: z.string(), mediaType: z.string(), width: z.number().optional() });
const webCardSchema = z.looseObject({
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
  /** While a service is down, its callers wait. */
  function patiently<T>(what: string, withinMs: number, look: () => Promise<T | undefined>): Promise<T> {
    return untilSeen(look, { what, withinMs, everyMs: 25, isPassing: () => true });
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
      patiently('accepting', 25_000, async () => {
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
    untilFinal: (requestId, withinMs = 25_000) =>
      patiently(`the end of ${requestId}`, withinMs, async () => {
        const found = await card(requestId);
        return found.final ? found : undefined;
      }),
  };
}

import { z } from 'zod';

const imageSchema = z.object({ hash: z.string(), filename: z.string(), mediaType: z.string() });

/** A request's card, as far as the terminal shows it. The bot's `core/cards/job-card.ts` has the whole. */
export const terminalCardSchema = z.object({
  requestId: z.uuid(),
  state: z.string(),
  final: z.boolean(),
  headline: z.string(),
  queue: z.object({ text: z.string() }).optional(),
  progress: z.object({ fraction: z.number(), text: z.string() }).optional(),
  tiles: z.array(z.object({ image: imageSchema.optional() })),
  error: z.string().optional(),
  reply: z.string().optional(),
});
export type TerminalCard = z.infer<typeof terminalCardSchema>;

const messageSchema = z.object({ error: z.object({ message: z.object({ en: z.string(), zh: z.string() }) }) });
const submittedSchema = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('accepted'), requestId: z.uuid() }),
  z.object({ outcome: z.literal('said'), text: z.string() }),
  z.object({ outcome: z.literal('queue') }),
]);

/** Refused for good, with the sentence for the person. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** No answer, or one that says "not now": ask again. */
export class AwayError extends Error {
  override readonly name = 'AwayError';
}

export interface AtelierApiOptions {
  webUrl: string;
  /** Stable and hard to guess: whoever has it sees these requests. */
  userId: string;
  userName: string;
  language: 'en' | 'zh';
  token?: string | undefined;
}

export interface AtelierApi {
  submit(body: {
    eventId: string;
    text: string;
    options: Record<string, string | number>;
  }): Promise<z.infer<typeof submittedSchema>>;
  card(requestId: string): Promise<TerminalCard>;
  cancel(requestId: string): Promise<void>;
  /** The original file's bytes. */
  file(hash: string): Promise<Uint8Array>;
}

/** Speaks the bot's HTTP interface as the terminal. @throws RefusedError, AwayError. */
export function createAtelierApi(options: AtelierApiOptions): AtelierApi {
  const headers: Record<string, string> = {
    'x-atelier-door': 'cli',
    'x-atelier-user': options.userId,
    'x-atelier-name': encodeURIComponent(options.userName),
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
  };

  async function call(method: string, path: string, body?: unknown): Promise<Response> {
    const url = new URL(path, options.webUrl);
    url.searchParams.set('lang', options.language);
    let answer: Response;
    try {
      answer = await fetch(url, {
        method,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(15_000),
      });
    } catch (error) {
      throw new AwayError('Atelier does not answer', { cause: error });
    }
    if (answer.ok) return answer;
    const parsed = messageSchema.safeParse(await answer.json().catch(() => undefined));
    const sentence = parsed.success ? parsed.data.error.message[options.language] : `HTTP ${answer.status}`;
    if (answer.status >= 500 || answer.status === 429) throw new AwayError(sentence);
    throw new RefusedError(sentence);
  }

  return {
    submit: async (body) => submittedSchema.parse(await (await call('POST', '/api/requests', body)).json()),
    card: async (requestId) => terminalCardSchema.parse(await (await call('GET', `/api/requests/${requestId}`)).json()),
    async cancel(requestId) {
      await call('POST', `/api/requests/${requestId}/cancel`, {});
    },
    file: async (hash) => (await call('GET', `/api/assets/${hash}`)).bytes(),
  };
}

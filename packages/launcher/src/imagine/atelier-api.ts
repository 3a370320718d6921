import { z } from 'zod';

const imageSchema = z.object({ hash: z.string(), filename: z.string(), mediaType: z.string() });

/** A request's card, as far as the terminal shows it. The bot's `core/cards/job-card.ts` has the whole. */
const terminalCardSchema = z.object({
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

/** For one answer, its body included. */
const answerTimeoutMs = 15_000;

function readJson(answer: Response): Promise<unknown> {
  return answer.json();
}

/** Speaks the bot's HTTP interface as the terminal. @throws RefusedError, AwayError. */
export function createAtelierApi(options: AtelierApiOptions): AtelierApi {
  const headers: Record<string, string> = {
    'x-atelier-door': 'cli',
    'x-atelier-user': options.userId,
    'x-atelier-name': encodeURIComponent(options.userName),
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
  };

  /**
   * @param read takes the body of an answer that is no refusal.
   * @throws RefusedError; AwayError also where the answer is cut off, as by a restart.
   */
  async function call<T>(
    method: string,
    path: string,
    read: (answer: Response) => Promise<T>,
    body?: unknown,
  ): Promise<T> {
    const url = new URL(path, options.webUrl);
    url.searchParams.set('lang', options.language);
    let answer: Response;
    try {
      answer = await fetch(url, {
        method,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(answerTimeoutMs),
      });
    } catch (error) {
      throw new AwayError('Atelier does not answer', { cause: error });
    }
    if (answer.ok) {
      return read(answer).catch((error: unknown) => {
        throw new AwayError('Atelier did not finish its answer', { cause: error });
      });
    }
    const parsed = messageSchema.safeParse(await answer.json().catch(() => undefined));
    const sentence = parsed.success ? parsed.data.error.message[options.language] : `HTTP ${answer.status}`;
    if (answer.status >= 500 || answer.status === 429) throw new AwayError(sentence);
    throw new RefusedError(sentence);
  }

  return {
    submit: async (body) => submittedSchema.parse(await call('POST', '/api/requests', readJson, body)),
    card: async (requestId) => terminalCardSchema.parse(await call('GET', `/api/requests/${requestId}`, readJson)),
    async cancel(requestId) {
      await call('POST', `/api/requests/${requestId}/cancel`, (answer) => answer.text(), {});
    },
    file: (hash) => call('GET', `/api/assets/${hash}`, (answer) => answer.bytes()),
  };
}

import { z } from 'zod';

const cardSchema = z.looseObject({ requestId: z.string(), final: z.boolean() });

/** Hears the page's event stream and notes when each card became final. */
export interface CardWatch {
  /** Milliseconds since 1970 at which the final card of this request arrived. */
  finalAt(requestId: string, withinMs: number): Promise<number>;
  close(): void;
}

export async function openCardWatch(webUrl: string, headers: Record<string, string>): Promise<CardWatch> {
  const abort = new AbortController();
  const answer = await fetch(new URL('/api/events', webUrl), { headers, signal: abort.signal });
  if (!answer.ok || answer.body === null) throw new Error(`GET /api/events answered ${answer.status}`);
  const arrived = new Map<string, number>();
  const waiting = new Map<string, (at: number) => void>();

  function take(block: string): void {
    const lines = block.split('\n');
    if (!lines.includes('event: card')) return;
    const data = lines.find((line) => line.startsWith('data: '))?.slice(6);
    const card = cardSchema.safeParse(JSON.parse(data ?? 'null'));
    if (!card.success || !card.data.final || arrived.has(card.data.requestId)) return;
    const at = performance.timeOrigin + performance.now();
    arrived.set(card.data.requestId, at);
    waiting.get(card.data.requestId)?.(at);
  }

  async function read(body: ReadableStream<Uint8Array>): Promise<void> {
    let rest = '';
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) take(block);
    }
  }

  read(answer.body).catch((error: unknown) => {
    if (!abort.signal.aborted) throw error;
  });
  return {
    finalAt(requestId, withinMs) {
      const known = arrived.get(requestId);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${requestId} was not shown within ${withinMs} ms`)), withinMs);
        waiting.set(requestId, (at) => {
          clearTimeout(timer);
          resolve(at);
        });
      });
    },
    close: () => abort.abort(),
  };
}

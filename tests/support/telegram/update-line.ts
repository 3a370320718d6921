import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { TelegramError } from './telegram-error.ts';

/** What happened in the chats and the bot has not yet confirmed, as `getUpdates` hands it out. */
export interface UpdateLine {
  add(update: object): void;
  /**
   * Forgets what is before the offset and answers with what is left, or waits for something as long as asked. A second
   * reader ends the first one's waiting.
   */
  take(parameters: Record<string, unknown>, request: IncomingMessage): Promise<object[]>;
  readonly empty: boolean;
  stop(): void;
}

const querySchema = z.strictObject({
  offset: z.coerce.number().pipe(z.int()).optional(),
  limit: z.coerce.number().pipe(z.int().min(1).max(100)).default(100),
  timeout: z.coerce.number().pipe(z.int().min(0)).default(0),
  allowed_updates: z.array(z.string()).optional(),
});

export function createUpdateLine(): UpdateLine {
  const line: { update_id: number }[] = [];
  let lastId = 880_000;
  let waiting: PromiseWithResolvers<'more' | 'over' | 'taken over'> | undefined;

  return {
    add(update) {
      line.push({ update_id: (lastId += 1), ...update });
      waiting?.resolve('more');
    },
    async take(parameters, request) {
      const query = querySchema.parse(parameters);
      waiting?.resolve('taken over');
      const confirmed = line.findIndex(({ update_id: id }) => id >= (query.offset ?? 0));
      line.splice(0, confirmed < 0 ? line.length : confirmed);
      if (line.length === 0 && query.timeout > 0) {
        const own = Promise.withResolvers<'more' | 'over' | 'taken over'>();
        waiting = own;
        const timer = setTimeout(() => own.resolve('over'), query.timeout * 1_000);
        const leave = (): void => own.resolve('over');
        request.socket.once('close', leave);
        const outcome = await own.promise;
        clearTimeout(timer);
        request.socket.off('close', leave);
        if (waiting === own) waiting = undefined;
        if (outcome === 'taken over') {
          throw new TelegramError(
            409,
            'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
          );
        }
      }
      return line.slice(0, query.limit);
    },
    get empty() {
      return line.length === 0;
    },
    stop: () => waiting?.resolve('over'),
  };
}

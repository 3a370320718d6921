/** A message to a client's sockets. `id` is set on what is kept for those that come back. */
export interface ClientEvent {
  type: ServerEventType;
  data: Record<string, unknown>;
  id?: string;
}

export type ServerEventType =
  | 'submit'
  | 'status'
  | 'progress'
  | 'executing'
  | 'executed'
  | 'result'
  | 'execution_error'
  | 'system';

/** Where a client stopped hearing: the epoch of the process, the number in its log, and the time by its clock. */
export interface EventPosition {
  epoch: string;
  number: number;
  atMs: number;
}

const idPattern = /^([\w-]{1,40})\.(\d{1,12})\.(\d{1,15})$/;

export function parseEventId(id: string): EventPosition | undefined {
  const match = idPattern.exec(id);
  if (match === null) return undefined;
  const [, epoch = '', number, atMs] = match;
  return { epoch, number: Number(number), atMs: Number(atMs) };
}

/** What a client was told last, so that a socket that comes back hears what it missed. */
export interface EventLog {
  /** Keeps the event and gives it its id. */
  append(event: Omit<ClientEvent, 'id'>): ClientEvent;
  /**
   * What came after this position. Undefined: that is not known any more (another process, or too long ago), so the client has
   * to be told the state as it is.
   */
  since(position: EventPosition): ClientEvent[] | undefined;
  /** The id of now: `since` it comes what is appended later. */
  position(): string;
}

/**
 * A ring of the last events.
 *
 * @param epoch of this process: numbers of another one mean nothing here.
 */
export function createEventLog(options: { epoch: string; capacity: number; now: () => number }): EventLog {
  const { epoch, capacity } = options;
  const kept: { number: number; event: ClientEvent }[] = [];
  let last = 0;
  return {
    position: () => `${epoch}.${last}.${options.now()}`,
    append({ type, data }) {
      last += 1;
      const event: ClientEvent = { type, data, id: `${epoch}.${last}.${options.now()}` };
      kept.push({ number: last, event });
      if (kept.length > capacity) kept.shift();
      return event;
    },
    since(position) {
      if (position.epoch !== epoch || position.number > last) return undefined;
      const first = kept[0]?.number ?? last + 1;
      if (position.number < first - 1) return undefined;
      return kept.filter(({ number }) => number > position.number).map(({ event }) => event);
    },
  };
}

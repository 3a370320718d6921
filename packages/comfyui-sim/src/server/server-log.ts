import { emptyAnswer, jsonAnswer, serverTrouble } from './http-exchange.ts';
import type { HttpAnswer, HttpExchange, Route } from './http-exchange.ts';
import { readObject } from './read-object.ts';
import type { SocketHub } from './socket-hub.ts';

/** What ComfyUI prints to its console, for `/internal/logs` and for those who subscribed to it. */
export interface ServerLog {
  /** Prints one line. */
  write: (line: string) => void;
  route: Route;
}

export interface ServerLogDependencies {
  hub: Pick<SocketHub, 'send' | 'isRegistered'>;
  now: () => number;
}

/** ComfyUI keeps as many entries (app/logger.py). */
const maxEntries = 300;
const size = { cols: 80, rows: 24 };

/** Follows app/logger.py and api_server/services/terminal_service.py (0.3.64 to 0.8.0): `logs` messages go to subscribers whose socket is open. */
export function createServerLog({ hub, now }: ServerLogDependencies): ServerLog {
  const entries: { t: string; m: string }[] = [];
  const subscribers = new Set<string>();

  const write = (line: string): void => {
    // Python's `isoformat()` has six digits and, without a zone, no letter.
    const entry = { t: `${new Date(now()).toISOString().slice(0, -1)}000`, m: `${line}\n` };
    entries.push(entry);
    if (entries.length > maxEntries) entries.shift();
    for (const clientId of subscribers) {
      if (hub.isRegistered(clientId)) hub.send('logs', { entries: [entry], size }, clientId);
      else subscribers.delete(clientId);
    }
  };

  async function subscribe(exchange: HttpExchange): Promise<HttpAnswer> {
    const body = await readObject(exchange);
    const clientId = body?.['clientId'];
    if (body?.['enabled'] === undefined || typeof clientId !== 'string') return serverTrouble;
    if (body['enabled'] === true) subscribers.add(clientId);
    else subscribers.delete(clientId);
    return emptyAnswer(200);
  }

  return {
    write,
    route: (exchange) => {
      switch (`${exchange.method} ${exchange.path}`) {
        case 'GET /internal/logs':
          return jsonAnswer(entries.map(({ t, m }) => `${t} - ${m}`).join(''));
        case 'GET /internal/logs/raw':
          return jsonAnswer({ entries: [...entries], size });
        case 'PATCH /internal/logs/subscribe':
          return subscribe(exchange);
        default:
          return undefined;
      }
    },
  };
}

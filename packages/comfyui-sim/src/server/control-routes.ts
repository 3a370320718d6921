import { parseJson } from '@atelier/comfyui/json/parse-json';
import { z } from 'zod';
import { faultSchema } from '../faults/fault.ts';
import type { Fault, FaultKind } from '../faults/fault.ts';
import type { ExecutionLog } from '../log/execution-log.ts';
import { jsonAnswer } from './http-exchange.ts';
import type { HttpAnswer, HttpExchange, Route } from './http-exchange.ts';

export interface ControlDependencies {
  log: ExecutionLog;
  counts: () => { swaps: number; loads: number };
  activeFaults: () => readonly Fault[];
  inject: (fault: Fault) => void;
  clearFaults: (kind?: FaultKind) => void;
  /** Runs after the answer is out: a crash takes the connection with it. */
  afterAnswer: (action: () => void) => void;
}

const faultsSchema = z.union([faultSchema, z.array(faultSchema).max(100)]);
const kinds: ReadonlySet<string> = new Set(faultSchema.options.map((option) => option.shape.kind.value));

function isKind(text: string): text is FaultKind {
  return kinds.has(text);
}

/**
 * The simulator's own routes, for tests: `POST /sim/faults` (one fault or a list), `GET` (in force), `DELETE` (all, or `?kind=`), and
 * `GET /sim/log`.
 */
export function createControlRoutes(dependencies: ControlDependencies): Route {
  async function inject(exchange: HttpExchange): Promise<HttpAnswer> {
    let faults: Fault[];
    try {
      const parsed = faultsSchema.parse(JSON.parse((await exchange.readBody()).toString('utf8')));
      faults = Array.isArray(parsed) ? parsed : [parsed];
    } catch (error) {
      const reason = error instanceof z.ZodError ? z.prettifyError(error) : 'The body is not JSON.';
      return jsonAnswer({ error: reason, kinds: [...kinds] }, 400);
    }
    // Over HTTP a crash must come back by itself: there is no one left to ask.
    for (const fault of faults) {
      const injected: Fault =
        fault.kind === 'crash' ? { ...fault, restartAfterMs: fault.restartAfterMs ?? 1_000 } : fault;
      dependencies.afterAnswer(() => dependencies.inject(injected));
    }
    return jsonAnswer({ accepted: faults.length });
  }

  return (exchange) => {
    switch (`${exchange.method} ${exchange.path}`) {
      case 'POST /sim/faults':
        return inject(exchange);
      case 'GET /sim/faults':
        return jsonAnswer(parseJson(JSON.stringify(dependencies.activeFaults())));
      case 'DELETE /sim/faults': {
        const kind = exchange.query.get('kind');
        if (kind !== null && !isKind(kind)) return jsonAnswer({ error: 'unknown kind', kinds: [...kinds] }, 400);
        dependencies.clearFaults(kind ?? undefined);
        return jsonAnswer({ cleared: true });
      }
      case 'GET /sim/log':
        return jsonAnswer({
          ...dependencies.counts(),
          entries: dependencies.log.entries().map((entry) => ({
            prompt_id: entry.promptId,
            number: entry.number,
            extra_data: entry.extraData,
            start: entry.startedAt,
            end: entry.endedAt ?? null,
            outcome: entry.outcome ?? 'running',
            executed_nodes: entry.executedNodes,
            cached_nodes: entry.cachedNodes,
          })),
        });
      default:
        return undefined;
    }
  };
}

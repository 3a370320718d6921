import { z } from 'zod';

const ms = z.number().int().min(0).max(3_600_000);
/** How often it strikes before it is gone; without it, until cleared. */
const times = z.number().int().min(1).max(1_000_000).optional();
const at = {
  /** Node class, node id and prompt id at which it strikes; each is left out for "any". */
  nodeClass: z.string().optional(),
  nodeId: z.string().optional(),
  promptId: z.string().optional(),
};

/** What can go wrong. The first three are events and happen at once; the others last until cleared or used up. */
export const faultSchema = z.discriminatedUnion('kind', [
  /** Sockets and listener close, queue, history and caches are lost; files stay. Comes back by itself after `restartAfterMs`. */
  z.strictObject({ kind: z.literal('crash'), restartAfterMs: ms.optional() }),
  /** A crash that comes back at once. */
  z.strictObject({ kind: z.literal('restart') }),
  /** Closes every socket; the server goes on. */
  z.strictObject({ kind: z.literal('close-sockets') }),
  /** Connections are accepted, nothing answers, the running prompt stands still. */
  z.strictObject({ kind: z.literal('hang') }),
  /** Sockets stay open and say nothing. */
  z.strictObject({ kind: z.literal('silent-socket'), clientId: z.string().optional() }),
  /** Some messages are lost: each of `types` (all without it) with `probability`, by a seeded stream. */
  z.strictObject({
    kind: z.literal('drop-events'),
    types: z.array(z.string()).optional(),
    probability: z.number().min(0).max(1).default(1),
    seed: z.number().int().default(1),
  }),
  /** A socket that reconnects with the same id gets its first status and nothing more. */
  z.strictObject({ kind: z.literal('unregister-on-reconnect') }),
  /** `POST /prompt` takes effect; its answer never comes, or the connection breaks instead. */
  z.strictObject({ kind: z.literal('lost-post-answer'), mode: z.enum(['silence', 'reset']).default('reset'), times }),
  /** `POST /prompt` takes this long before it takes effect, also when its sender is gone by then. */
  z.strictObject({ kind: z.literal('slow-post'), delayMs: ms, times }),
  z.strictObject({ kind: z.literal('slow-object-info'), delayMs: ms, times }),
  z.strictObject({ kind: z.literal('out-of-memory'), ...at, times }),
  z.strictObject({
    kind: z.literal('execution-error'),
    ...at,
    message: z.string().default('simulated failure'),
    exceptionType: z.string().default('RuntimeError'),
    times,
  }),
  /** The execution thread stops where it is; HTTP answers on. */
  z.strictObject({ kind: z.literal('executor-dead') }),
  /** A prompt goes no further at that node, as in a step without end; an interrupt still ends it. */
  z.strictObject({ kind: z.literal('hold'), ...at }),
]);

export type Fault = z.infer<typeof faultSchema>;

/** A fault as a caller writes it: fields with defaults may be left out. */
export type FaultInput = z.input<typeof faultSchema>;

export type FaultKind = Fault['kind'];

/** Faults that happen once, at once. */
export function isEvent(fault: Fault): fault is Extract<Fault, { kind: 'crash' | 'restart' | 'close-sockets' }> {
  return fault.kind === 'crash' || fault.kind === 'restart' || fault.kind === 'close-sockets';
}

import { z } from 'zod';
import { envelopeSchema, type Envelope } from '../contracts/envelope.ts';
import {
  subjects,
  type SubjectAnswer,
  type SubjectData,
  type SubjectKey,
  type SubjectKeyOf,
} from '../contracts/subjects.ts';
import { publicErrorSchema } from '../contracts/request.ts';
import { AppError, toPublicError, type AppErrorCode } from '../errors/app-error.ts';

export interface MessageCodecOptions {
  /** A new UUID. */
  randomId: () => string;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** Outcome of a question, as it travels. */
type Reply = { ok: true; data: unknown } | { ok: false; error: z.infer<typeof publicErrorSchema> };

/** Turns data into messages and back; both directions are checked against the subject's schema. */
export interface MessageCodec {
  /** @throws AppError `internal` where the data does not fit: the publisher's bug. */
  encode<K extends SubjectKey>(key: K, data: SubjectData<K>, ids: { id?: string; correlationId?: string }): string;
  /** @throws AppError `internal` for what is not a message of this subject. */
  decode<K extends SubjectKey>(key: K, bytes: Uint8Array): Envelope<SubjectData<K>>;
  encodeAnswer<K extends SubjectKeyOf<'control'>>(key: K, answer: SubjectAnswer<K>, correlationId: string): string;
  /** Any error, as the other side may read it. */
  encodeFailure(thrown: unknown, correlationId: string | undefined): string;
  /** @throws AppError with the code and the public message that the answering side gave. */
  decodeAnswer<K extends SubjectKeyOf<'control'>>(key: K, bytes: Uint8Array): SubjectAnswer<K>;
}

/** Every code there is; the compiler holds it complete. */
const appErrorCodes: Record<AppErrorCode, true> = {
  invalid_input: true,
  not_found: true,
  forbidden: true,
  conflict: true,
  unavailable: true,
  rate_limited: true,
  too_large: true,
  fenced: true,
  config: true,
  internal: true,
};

export function createMessageCodec(options: MessageCodecOptions): MessageCodec {
  const messages = new Map<SubjectKey, z.ZodType<Envelope<unknown>>>();
  const replies = new Map<SubjectKey, z.ZodType<Envelope<Reply>>>();
  for (const [key, spec] of Object.entries(subjects) as [SubjectKey, (typeof subjects)[SubjectKey]][]) {
    messages.set(key, envelopeSchema<z.ZodType>(spec.schema));
    if (spec.answer !== undefined) replies.set(key, envelopeSchema(replySchema(spec.answer)));
  }

  function wrap(data: unknown, id = options.randomId(), correlationId = id): Envelope<unknown> {
    return { id, correlationId, time: new Date(options.now()).toISOString(), data };
  }

  function encodeReply(reply: Reply, correlationId: string | undefined): string {
    return JSON.stringify(wrap(reply, undefined, correlationId));
  }

  return {
    encode: (key, data, ids) =>
      JSON.stringify(parse(messages.get(key), wrap(data, ids.id, ids.correlationId), `a message to publish on ${key}`)),
    decode: (key, bytes) =>
      parse(messages.get(key), parseJson(bytes, key), `a message received on ${key}`) as Envelope<
        SubjectData<typeof key>
      >,
    encodeAnswer(key, answer, correlationId) {
      const reply = wrap({ ok: true, data: answer }, undefined, correlationId);
      return JSON.stringify(parse(replies.get(key), reply, `an answer to ${key}`));
    },
    encodeFailure: (thrown, correlationId) => encodeReply({ ok: false, error: toPublicError(thrown) }, correlationId),
    decodeAnswer(key, bytes) {
      const reply = parse(replies.get(key), parseJson(bytes, key), `an answer received to ${key}`).data;
      if (reply.ok) return reply.data as SubjectAnswer<typeof key>;
      const code = reply.error.code in appErrorCodes ? (reply.error.code as AppErrorCode) : 'internal';
      throw new AppError(code, `${key} was refused: ${reply.error.message.en}`, { publicMessage: reply.error.message });
    },
  };
}

function replySchema(answer: z.ZodType): z.ZodType<Reply> {
  return z.discriminatedUnion('ok', [
    z.strictObject({ ok: z.literal(true), data: answer }),
    z.strictObject({ ok: z.literal(false), error: publicErrorSchema }),
  ]);
}

function parseJson(bytes: Uint8Array, key: SubjectKey): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AppError('internal', `a message received on ${key} is not JSON`, { cause });
  }
}

/** Names the fields that are wrong, never their values: those may be a person's words. */
function parse<T>(schema: z.ZodType<T> | undefined, value: unknown, what: string): T {
  if (schema === undefined) throw new AppError('internal', `${what}: this subject carries none`);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const fields = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.code}`);
  throw new AppError('internal', `${what} does not fit its schema (${fields.join('; ')})`, { details: { fields } });
}

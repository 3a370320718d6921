/*
 * The HTTP interface of the page, which the terminal command speaks too. JSON in and out. Errors are
 * `{error: {code, message: {en, zh}}}` with 400, 401, 403, 404, 413, 429 or 503; 503 means not accepted: send the same
 * again, with the same `eventId`.
 *
 * Who asks: browsers by cookie. The terminal command sends with every request
 *   x-atelier-door: cli          its requests and its timeline are its own
 *   x-atelier-user: <id>         stable and hard to guess, 1 to 100 letters, digits or . _ @ -
 *   x-atelier-name: <name>       shown in the queue, percent-encoded; optional
 *   authorization: Bearer <ATELIER_WEB_TOKEN>, where one is set
 * and the language by `?lang=en|zh`.
 *
 *   GET  /api/me                        {displayName, language, open}
 *   PUT  /api/me                        {displayName} ->
 *   POST /api/session                   {token} | {code} -> 204, with the access cookie; 401. A code is one that
 *                                       /link gave in a chat; it also makes the browser's person the same as there
 *   POST /api/link                      {code} -> 200 {outcome: 'said', text}
 *   POST /api/requests                  {eventId, text, options?, images?: [{hash, name?}], about?: [{requestId, picture?}]}
 *                                       -> an outcome, see `answer` below
 *   POST /api/commands                  {eventId, command, subcommand?, values?, images?, about?} -> an outcome
 *   POST /api/press                     {eventId, id} -> an outcome; `id` is a button's
 *   POST /api/forms                     {eventId, id, values} -> an outcome; `id` is the form's
 *   GET  /api/suggest?source=&typed=&command=    -> {suggestions: [{value, label}]}
 *   POST /api/requests/:id/cancel       -> 200 {outcome: 'said', text}
 *   POST /api/requests/:id/retry        {eventId} -> 202 {outcome: 'accepted', requestId, created}
 *   GET  /api/requests/:id              -> JobCard
 *   GET  /api/timeline?before=&limit=   -> {cards: JobCard[]}, newest first
 *   GET  /api/queue                     -> QueueCard
 *   POST /api/uploads                   multipart, one part `file` -> 201 {hash, mediaType, name?}
 *   GET  /api/assets/:hash?download=    the file; ranges; kept for ever by caches
 *   GET  /api/events                    text/event-stream, see web-viewers.ts. A card is final (`final: true`) once its
 *                                       result is delivered. After every (re)connect fetch the timeline: nothing is
 *                                       sent again
 *   GET  /healthz                       200 {ok: true} | 503
 */
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { AssetRef } from '@atelier/shared/contracts/request';
import { AppError, invalidInput } from '@atelier/shared/errors/app-error';
import { parseButtonId, type PressedButton } from '../../core/cards/card-buttons.ts';
import { readOptionFields } from '../../core/commands/read-option-fields.ts';
import { renderQueueCard } from '../../core/cards/queue-card.ts';
import { renderJobCard } from '../../core/cards/render-job-card.ts';
import type { ChatCore, ChatOutcome } from '../../ports.ts';
import type { CardReader } from '../../state/card-reader.ts';
import { MAX_UPLOAD_BYTES, pictureTooLarge } from '../../uploads/take-in-image.ts';
import { outcomeText } from './outcome-text.ts';
import { languageOf, type Viewer, type WebIdentity } from './web-identity.ts';
import {
  commandSchema,
  formSchema,
  linkSchema,
  pressSchema,
  profileSchema,
  requestParamsSchema,
  retrySchema,
  signInSchema,
  submitSchema,
  suggestQuerySchema,
  timelineQuerySchema,
} from './web-schemas.ts';
import type { WebViewers } from './web-viewers.ts';

export interface ApiRoutesDeps {
  chat: ChatCore;
  reader: CardReader;
  viewers: WebViewers;
  identity: WebIdentity;
  /** No access token is set. */
  open: boolean;
  findPersonId: (user: Viewer['user']) => Promise<string>;
  renamePerson: (user: Viewer['user']) => Promise<void>;
  /** Makes a person the same as the one who got the code in a chat; false where it opens no door. */
  signInByCode: (user: Viewer['user'], code: string) => Promise<boolean>;
  /** The type of a file that may be served. */
  mediaTypeOf: (hash: string) => Promise<string | undefined>;
}

export async function registerApiRoutes(server: FastifyInstance, deps: ApiRoutesDeps): Promise<void> {
  const { chat, reader, viewers, identity } = deps;
  await server.register(multipart, { limits: { files: 1, fields: 0, fileSize: MAX_UPLOAD_BYTES, parts: 1 } });

  server.post('/api/session', { config: { isPublic: true } }, async (request, reply) => {
    const input = parseInput(signInSchema, request.body);
    if ('code' in input) {
      const viewer = identity.viewer(request, reply);
      if (!(await deps.signInByCode(viewer.user, input.code))) throw wrongCode();
      identity.admit(request, reply);
      return reply.code(204).send();
    }
    if (!identity.signIn(request, reply, input.token)) {
      throw new AppError('rate_limited', 'a wrong access token', {
        publicMessage: {
          en: 'This is not the access token: check it and try again.',
          zh: '访问令牌不正确，请检查后重试。',
        },
        details: { status: 401 },
      });
    }
    return reply.code(204).send();
  });

  server.delete('/api/session', async (_request, reply) => {
    identity.signOut(reply);
    return reply.code(204).send();
  });

  server.get('/api/me', async (request, reply) => {
    const { user } = identity.viewer(request, reply);
    return { displayName: user.displayName, language: user.language, open: deps.open };
  });

  server.put('/api/me', async (request, reply) => {
    const { displayName } = parseInput(profileSchema, request.body, {
      en: 'A name has 1 to 60 characters.',
      zh: '名字为 1 到 60 个字符。',
    });
    const { user } = identity.viewer(request, reply);
    identity.rename(request, reply, displayName);
    await deps.renamePerson({ ...user, displayName });
    return { displayName, language: user.language, open: deps.open };
  });

  server.post('/api/requests', async (request, reply) => {
    const input = parseInput(submitSchema, request.body);
    const viewer = identity.viewer(request, reply);
    const images = await Promise.all((input.images ?? []).map((image) => findImage(image.hash, image.name)));
    const outcome = await chat.submit({
      ...viewer,
      eventId: eventIdOf(viewer, input.eventId),
      text: input.text,
      ...(images.length === 0 ? {} : { images }),
      ...(input.options === undefined ? {} : { options: readOptionFields(input.options) }),
      ...(input.about === undefined ? {} : { about: input.about }),
    });
    return answer(outcome, request, reply);
  });

  server.post('/api/commands', async (request, reply) => {
    const { eventId, command, subcommand, values, images = [], about } = parseInput(commandSchema, request.body);
    const viewer = identity.viewer(request, reply);
    const found = await Promise.all(images.map((image) => findImage(image.hash, image.name)));
    const outcome = await chat.run(
      {
        command,
        ...(subcommand === undefined ? {} : { subcommand }),
        values: values ?? {},
        ...(found.length === 0 ? {} : { images: found }),
        ...(about === undefined ? {} : { about }),
      },
      { ...viewer, eventId: eventIdOf(viewer, eventId) },
    );
    return answer(outcome, request, reply);
  });

  server.post('/api/press', async (request, reply) => {
    const { eventId, id } = parseInput(pressSchema, request.body);
    const viewer = identity.viewer(request, reply);
    const outcome = await chat.press(buttonOf(id), { ...viewer, eventId: eventIdOf(viewer, eventId) });
    return answer(outcome, request, reply);
  });

  server.post('/api/forms', async (request, reply) => {
    const { eventId, id, values } = parseInput(formSchema, request.body);
    const viewer = identity.viewer(request, reply);
    const outcome = await chat.submitForm(buttonOf(id), values, { ...viewer, eventId: eventIdOf(viewer, eventId) });
    return answer(outcome, request, reply);
  });

  server.post('/api/link', async (request, reply) => {
    const { code } = parseInput(linkSchema, request.body);
    const viewer = identity.viewer(request, reply);
    const outcome = await chat.run({ command: 'link', values: { code } }, { ...viewer, eventId: `link:${code}` });
    return answer(outcome, request, reply);
  });

  server.get('/api/suggest', async (request, reply) => {
    const { source, typed, command } = parseInput(suggestQuerySchema, request.query);
    return { suggestions: await chat.suggest(source, typed, identity.viewer(request, reply), command) };
  });

  server.post('/api/requests/:id/cancel', async (request, reply) => {
    const { id } = parseInput(requestParamsSchema, request.params);
    const viewer = identity.viewer(request, reply);
    const outcome = await chat.press({ action: 'cancel', requestId: id }, { ...viewer, eventId: `cancel:${id}` });
    return answer(outcome, request, reply);
  });

  server.post('/api/requests/:id/retry', async (request, reply) => {
    const { id } = parseInput(requestParamsSchema, request.params);
    const { eventId } = parseInput(retrySchema, request.body);
    const viewer = identity.viewer(request, reply);
    const outcome = await chat.press(
      { action: 'retry', requestId: id },
      { ...viewer, eventId: eventIdOf(viewer, eventId) },
    );
    return answer(outcome, request, reply);
  });

  server.get('/api/requests/:id', async (request, reply) => {
    const { id } = parseInput(requestParamsSchema, request.params);
    const { place } = identity.viewer(request, reply);
    const [facts] = await reader.readFacts([id]);
    if (facts === undefined || facts.request.place.id !== place.id || facts.request.place.door !== place.door) {
      throw new AppError('not_found', 'no such request here');
    }
    return renderJobCard(facts, chat.live(), languageOf(request));
  });

  server.get('/api/timeline', async (request, reply) => {
    const { before, limit } = parseInput(timelineQuerySchema, request.query);
    const { place } = identity.viewer(request, reply);
    const facts = await reader.readTimeline({
      door: place.door,
      placeId: place.id,
      limit,
      ...(before === undefined ? {} : { before }),
    });
    const language = languageOf(request);
    return { cards: facts.map((one) => renderJobCard(one, chat.live(), language)) };
  });

  server.get('/api/queue', async (request, reply) => {
    const { user } = identity.viewer(request, reply);
    return renderQueueCard(await chat.readQueue(), languageOf(request), await deps.findPersonId(user));
  });

  server.post('/api/uploads', async (request, reply) => {
    identity.viewer(request, reply);
    const part = request.isMultipart() ? await request.file() : undefined;
    if (part === undefined) throw invalidInput('Attach one picture.', '请附上一张图片。');
    const bytes = await part.toBuffer();
    // The limit may be noticed only after the last piece was handed out.
    if (part.file.truncated) throw pictureTooLarge();
    return reply.code(201).send(await chat.takeInImage(bytes, part.filename));
  });

  server.get('/api/events', async (request, reply) => {
    const viewer = identity.viewer(request, reply);
    const personId = await deps.findPersonId(viewer.user);
    // The stream is written past the framework, with the headers that it has gathered.
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    reply.hijack();
    viewers.open(reply.raw, viewer, personId, languageOf(request));
  });

  async function findImage(hash: string, name: string | undefined): Promise<AssetRef> {
    const mediaType = await deps.mediaTypeOf(hash);
    if (mediaType === undefined || !mediaType.startsWith('image/')) {
      throw invalidInput(
        'An attached picture is no longer there: remove it and attach it again.',
        '附加的图片已不存在，请移除后重新上传。',
      );
    }
    return { hash, mediaType, ...(name === undefined ? {} : { name }) };
  }

  async function answer(outcome: ChatOutcome, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    if (outcome.outcome === 'accepted') return reply.code(202).send(outcome);
    if (request.headers['x-atelier-door'] === 'cli') {
      const text = outcomeText(outcome, languageOf(request));
      if (text !== undefined) return { outcome: 'said', text };
    }
    if (outcome.outcome === 'queue') {
      return { outcome: 'queue', queue: renderQueueCard(outcome.facts, languageOf(request), outcome.personId) };
    }
    if (outcome.outcome === 'card') {
      return { outcome: 'card', card: renderJobCard(outcome.facts, chat.live(), languageOf(request)) };
    }
    return outcome;
  }
}

function buttonOf(id: string): PressedButton {
  const button = parseButtonId(id);
  if (button === undefined) throw new AppError('not_found', 'no button of ours');
  return button;
}

function wrongCode(): AppError {
  return new AppError('rate_limited', 'a wrong code', {
    publicMessage: {
      en: 'This code is wrong, was used, or is too old: ask for a new one with /link in the chat.',
      zh: '代码不正确、已使用或已过期：请在聊天中发送 /关联 获取新的代码。',
    },
    details: { status: 401 },
  });
}

/** Ids that clients choose are theirs alone: nobody can take another one's. */
function eventIdOf(viewer: Viewer, eventId: string): string {
  return `${viewer.user.id}:${eventId}`;
}

function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  sentence?: { en: string; zh: string },
): z.infer<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const fields = result.error.issues.map((issue) => issue.path.join('.') || 'body').join(', ');
  throw sentence === undefined
    ? invalidInput(`These fields are missing or wrong: ${fields}.`, `以下字段缺失或不正确：${fields}。`, { fields })
    : invalidInput(sentence.en, sentence.zh, { fields });
}

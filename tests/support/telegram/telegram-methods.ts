import sharp from 'sharp';
import { z } from 'zod';
import { badRequest } from './telegram-error.ts';
import { type Content, nothing, type StoredFile, type TelegramChats, wireMessage } from './telegram-chats.ts';
import { linksOf, visibleText } from './visible-text.ts';

/** One call, its parameters as they came: texts in JSON or in a form, files beside them. */
export interface MethodCall {
  parameters: Record<string, unknown>;
  uploads: ReadonlyMap<string, { name: string; bytes: Uint8Array }>;
}

export interface MethodWorld {
  chats: TelegramChats;
  botUser: object;
  files: Map<string, StoredFile>;
  nextId: () => number;
  /** Of a pressed button; false where it is not known. */
  answerPress: (queryId: string, text: string | undefined) => boolean;
  setMenu: (menu: { language: string; scope: string }, commands: { command: string; description: string }[]) => void;
  setWebhook: (webhook: { url: string; secret: string } | undefined) => void;
}

type Method = (call: MethodCall, world: MethodWorld) => unknown;

const maxTextChars = 4_096;
const maxCaptionChars = 1_024;
const maxPhotoBytes = 10 * 1_000_000;
const maxDocumentBytes = 50 * 1_000_000;

/** Forms carry everything as text, and structures as JSON. */
const structured = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (typeof value === 'string' ? (JSON.parse(value) as unknown) : value), schema);
const numeric = z.coerce.number().pipe(z.int());
const buttonSchema = z.union([
  z.strictObject({
    text: z.string().min(1),
    callback_data: z.string().refine((data) => data !== '' && Buffer.byteLength(data) <= 64, 'BUTTON_DATA_INVALID'),
  }),
  z.strictObject({ text: z.string().min(1), url: z.url({ protocol: /^https?$/ }) }),
]);
const inlineSchema = z.strictObject({ inline_keyboard: z.array(z.array(buttonSchema).max(8)).max(100) });
const keyboardSchema = structured(inlineSchema);
const replySchema = z.strictObject({
  force_reply: z.literal(true),
  selective: z.boolean(),
  input_field_placeholder: z.string().min(1).max(64),
});
const placementShape = {
  chat_id: numeric,
  message_thread_id: numeric.optional(),
  reply_parameters: structured(
    z.strictObject({ message_id: z.int(), allow_sending_without_reply: z.boolean().optional() }),
  ).optional(),
  reply_markup: keyboardSchema.optional(),
};
const captionShape = { caption: z.string().optional(), parse_mode: z.string().optional() };
const textShape = {
  text: z.string(),
  parse_mode: z.string().optional(),
  link_preview_options: structured(z.strictObject({ is_disabled: z.boolean() })).optional(),
};
const mediaSchema = z.strictObject({
  type: z.enum(['photo', 'document', 'video', 'animation', 'audio']),
  media: z.string(),
  disable_content_type_detection: z.boolean().optional(),
  has_spoiler: z.boolean().optional(),
  ...captionShape,
});
const covered = { has_spoiler: z.stringbool().optional() };
const placed = z.strictObject(placementShape);

/** What the methods that a chat bot needs do, with the limits of https://core.telegram.org/bots/api */
export const telegramMethods: Record<string, Method> = {
  getMe: (_call, { botUser }) => botUser,
  deleteWebhook(_call, world) {
    world.setWebhook(undefined);
    return true;
  },
  setWebhook(call, world) {
    const shape = {
      url: z.url(),
      secret_token: z.string().regex(/^[\w-]{1,256}$/),
      allowed_updates: structured(z.array(z.string())),
      drop_pending_updates: z.boolean(),
    };
    const { url, secret_token: secret } = parse(z.strictObject(shape), call);
    world.setWebhook({ url, secret });
    return true;
  },
  sendMessage(call, world) {
    const markup = structured(z.union([inlineSchema, replySchema])).optional();
    const { reply_markup: given, ...rest } = parse(placed.extend({ ...textShape, reply_markup: markup }), call);
    const asksReply = given !== undefined && 'force_reply' in given ? given.input_field_placeholder : undefined;
    const keyboard = given !== undefined && 'inline_keyboard' in given ? given : undefined;
    const content = { ...nothing, text: textOf(rest), links: linksOf(rest.text), asksReply };
    return post({ ...rest, reply_markup: keyboard }, content, world);
  },
  async sendPhoto(call, world) {
    const given = parse(placed.extend({ photo: z.string(), ...covered, ...captionShape }), call);
    const photo = await photoOf(given.photo, call, world);
    return post(given, { ...nothing, photo, caption: captionOf(given), isCovered: given.has_spoiler === true }, world);
  },
  sendDocument(call, world) {
    const detection = z.stringbool().optional();
    const given = parse(
      placed.extend({ document: z.string(), disable_content_type_detection: detection, ...captionShape }),
      call,
    );
    return post(
      given,
      { ...nothing, document: documentOf(given.document, call, world), caption: captionOf(given) },
      world,
    );
  },
  sendVideo(call, world) {
    const streaming = z.stringbool().optional();
    const given = parse(
      placed.extend({ video: z.string(), supports_streaming: streaming, ...covered, ...captionShape }),
      call,
    );
    const media = { kind: 'video' as const, file: documentOf(given.video, call, world) };
    return post(given, { ...nothing, media, caption: captionOf(given), isCovered: given.has_spoiler === true }, world);
  },
  sendAnimation(call, world) {
    const given = parse(placed.extend({ animation: z.string(), ...covered, ...captionShape }), call);
    const media = { kind: 'animation' as const, file: documentOf(given.animation, call, world) };
    return post(given, { ...nothing, media, caption: captionOf(given), isCovered: given.has_spoiler === true }, world);
  },
  sendAudio(call, world) {
    const given = parse(placed.extend({ audio: z.string(), ...captionShape }), call);
    const media = { kind: 'audio' as const, file: documentOf(given.audio, call, world) };
    return post(given, { ...nothing, media, caption: captionOf(given) }, world);
  },
  async sendMediaGroup(call, world) {
    const album = structured(z.array(mediaSchema).min(2).max(10));
    const given = parse(placed.omit({ reply_markup: true }).extend({ media: album }), call);
    const kinds = new Set(given.media.map(({ type }) => (type === 'video' ? 'photo' : type)));
    if (kinds.size > 1) throw badRequest("document can't be mixed with other media types");
    if (kinds.has('animation')) throw badRequest('media of this type cannot be sent in an album');
    const albumId = String(world.nextId());
    const contents: Content[] = [];
    for (const media of given.media) contents.push(await mediaOf(media, call, world));
    return contents.map((content) => post(given, content, world, albumId));
  },
  editMessageText(call, world) {
    const given = parse(editing.extend(textShape), call);
    return edit(given, { ...nothing, text: textOf(given) }, world);
  },
  async editMessageMedia(call, world) {
    const given = parse(editing.extend({ media: structured(mediaSchema) }), call);
    return edit(given, await mediaOf(given.media, call, world), world);
  },
  editMessageReplyMarkup(call, world) {
    const given = parse(editing, call);
    const chat = world.chats.writable(given.chat_id);
    const message = chat.messages.find((candidate) => candidate.messageId === given.message_id);
    return edit(given, { ...(message ?? nothing), rows: [] }, world);
  },
  deleteMessage(call, world) {
    const given = parse(z.strictObject({ chat_id: numeric, message_id: numeric }), call);
    const chat = world.chats.writable(given.chat_id);
    const index = chat.messages.findIndex((message) => message.messageId === given.message_id);
    if (index < 0) throw badRequest('message to delete not found');
    chat.messages.splice(index, 1);
    return true;
  },
  sendChatAction(call, world) {
    const shape = {
      chat_id: numeric,
      message_thread_id: numeric.optional(),
      action: z.enum(['typing', 'upload_photo', 'upload_video', 'upload_document']),
    };
    world.chats.writable(parse(z.strictObject(shape), call).chat_id);
    return true;
  },
  pinChatMessage(call, world) {
    const shape = { chat_id: numeric, message_id: numeric, disable_notification: z.boolean().optional() };
    const given = parse(z.strictObject(shape), call);
    const message = world.chats
      .writable(given.chat_id)
      .messages.find((candidate) => candidate.messageId === given.message_id);
    if (message === undefined) throw badRequest('message to pin not found');
    message.isPinned = true;
    return true;
  },
  getChatMember(call, world) {
    const given = parse(z.strictObject({ chat_id: numeric, user_id: numeric }), call);
    world.chats.writable(given.chat_id);
    return { status: 'member', user: { id: given.user_id, is_bot: false, first_name: 'x' } };
  },
  answerCallbackQuery(call, world) {
    const given = parse(z.strictObject({ callback_query_id: z.string(), text: z.string().max(200).optional() }), call);
    if (!world.answerPress(given.callback_query_id, given.text)) {
      throw badRequest('query is too old and response timeout expired or query ID is invalid');
    }
    return true;
  },
  setMyCommands(call, world) {
    const command = z.strictObject({
      command: z.string().regex(/^[a-z0-9_]{1,32}$/),
      description: z.string().min(1).max(256),
    });
    const commands = structured(z.array(command).max(100));
    const scope = structured(z.strictObject({ type: z.string() })).optional();
    const given = parse(z.strictObject({ commands, language_code: z.string().length(2).optional(), scope }), call);
    world.setMenu({ language: given.language_code ?? '', scope: given.scope?.type ?? '' }, given.commands);
    return true;
  },
  getFile(call, world) {
    const { file_id: fileId } = parse(z.strictObject({ file_id: z.string() }), call);
    const file = world.files.get(fileId);
    if (file === undefined) throw badRequest('invalid file_id');
    if (file.bytes.length > 20 * 1_000_000) throw badRequest('file is too big');
    return { file_id: fileId, file_unique_id: fileId, file_size: file.bytes.length, file_path: `files/${fileId}` };
  },
};

const editing = z.strictObject({ chat_id: numeric, message_id: numeric, reply_markup: keyboardSchema.optional() });

function parse<T>(schema: z.ZodType<T>, call: MethodCall): T {
  const given = schema.safeParse(call.parameters);
  if (given.success) return given.data;
  throw badRequest(given.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
}

function post(given: z.infer<typeof placed>, content: Content, world: MethodWorld, albumId?: string): unknown {
  const chat = world.chats.writable(given.chat_id);
  const replyTo = given.reply_parameters?.message_id;
  const answered = chat.messages.some(({ messageId }) => messageId === replyTo);
  if (replyTo !== undefined && !answered && given.reply_parameters?.allow_sending_without_reply !== true) {
    throw badRequest('message to be replied not found');
  }
  const message = world.chats.post(
    chat,
    'bot',
    { ...content, rows: rowsOf(given) },
    {
      threadId: given.message_thread_id,
      replyTo: answered ? replyTo : undefined,
      albumId,
    },
  );
  return wireMessage(message, chat, world.botUser);
}

function edit(given: z.infer<typeof editing>, content: Content, world: MethodWorld): unknown {
  const chat = world.chats.writable(given.chat_id);
  const message = world.chats.edit(chat, given.message_id, { ...content, rows: rowsOf(given) });
  return wireMessage(message, chat, world.botUser);
}

function rowsOf(given: { reply_markup?: z.infer<typeof keyboardSchema> | undefined }) {
  return given.reply_markup?.inline_keyboard ?? [];
}

function textOf({ text, parse_mode: mode }: { text: string; parse_mode?: string | undefined }): string {
  const visible = visibleText(text, mode);
  if (visible === '') throw badRequest('message text is empty');
  if (visible.length > maxTextChars) throw badRequest('message is too long');
  return visible;
}

function captionOf({
  caption,
  parse_mode: mode,
}: {
  caption?: string | undefined;
  parse_mode?: string | undefined;
}): string {
  const visible = visibleText(caption ?? '', mode);
  if (visible.length > maxCaptionChars) throw badRequest('message caption is too long');
  return visible;
}

async function mediaOf(media: z.infer<typeof mediaSchema>, call: MethodCall, world: MethodWorld): Promise<Content> {
  const caption = captionOf(media);
  if (media.type === 'document') return { ...nothing, caption, document: documentOf(media.media, call, world) };
  const isCovered = media.has_spoiler === true;
  if (media.type !== 'photo') {
    return { ...nothing, caption, isCovered, media: { kind: media.type, file: documentOf(media.media, call, world) } };
  }
  return { ...nothing, caption, isCovered, photo: await photoOf(media.media, call, world) };
}

async function photoOf(reference: string, call: MethodCall, world: MethodWorld): Promise<StoredFile> {
  const file = fileOf(reference, call, world);
  if (file.bytes.length > maxPhotoBytes) throw badRequest('file is too big for a photo');
  const size = await sharp(file.bytes)
    .metadata()
    .catch(() => {
      throw badRequest('IMAGE_PROCESS_FAILED');
    });
  const sides = [size.width, size.height];
  if (Math.max(...sides) > 20 * Math.min(...sides) || size.width + size.height > 10_000) {
    throw badRequest('PHOTO_INVALID_DIMENSIONS');
  }
  return file;
}

function documentOf(reference: string, call: MethodCall, world: MethodWorld): StoredFile {
  const file = fileOf(reference, call, world);
  if (file.bytes.length > maxDocumentBytes) throw badRequest('file is too big');
  return file;
}

function fileOf(reference: string, call: MethodCall, world: MethodWorld): StoredFile {
  const known = world.files.get(reference);
  if (known !== undefined) return known;
  const name = /^attach:\/\/(.+)$/.exec(reference)?.[1];
  const upload = name === undefined ? undefined : call.uploads.get(name);
  if (upload === undefined) throw badRequest('wrong file identifier/HTTP URL specified');
  if (upload.bytes.length === 0) throw badRequest('file must be non-empty');
  const file = { fileId: `file${world.nextId()}`, ...upload };
  world.files.set(file.fileId, file);
  return file;
}

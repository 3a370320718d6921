import type { RequestBody } from '@atelier/shared/contracts/request';
import { registerAsset } from '@atelier/shared/db/asset-register';
import { moveChatSettings, saveBoardRef } from '@atelier/shared/db/chat/chat-settings';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Asker } from '../core/access/asker.ts';
import { commandOfButton } from '../core/access/command-of-button.ts';
import type { PressedButton } from '../core/cards/card-buttons.ts';
import { isKeptPrivate, shownIn } from '../core/cards/card-facts.ts';
import { createRateLimit } from '../core/access/rate-limit.ts';
import { checkCall } from '../core/commands/check-call.ts';
import type { CommandName } from '../core/commands/command-spec.ts';
import { takeOutPictureLinks } from '../core/commands/picture-links.ts';
import { parseChatText } from '../core/commands/parse-chat-text.ts';
import { mergeOptions } from '../core/commands/read-drawing-options.ts';
import { messagesFor } from '../core/messages/messages-for.ts';
import type { ChatCommandCall, ChatCore, ChatLine, ChatOutcome, TakenFile } from '../ports.ts';
import { withDeadline } from '../with-deadline.ts';
import { takeInFile } from '../uploads/take-in-file.ts';
import { takeInImage } from '../uploads/take-in-image.ts';
import { createAcceptor, notAccepted } from './accept-request.ts';
import { createAccess } from './access.ts';
import { checkAdultSource, showsAdultOpenly } from './adult-places.ts';
import { answerByReply } from './answer-question.ts';
import { type ChatContext, type ChatCoreDeps, isOverheard, type KnownAsker } from './chat-context.ts';
import { runAdminCommand } from './commands/admin-commands.ts';
import { runBrowserCommand } from './commands/browser-commands.ts';
import { runDrawingCommand } from './commands/drawing-commands.ts';
import { runInfoCommand } from './commands/info-commands.ts';
import { runSettingsCommand } from './commands/settings-commands.ts';
import { runWorkflowCommand } from './commands/workflow-commands.ts';
import { liveFactsOf } from './live-facts.ts';
import { pressButton } from './press-button.ts';
import { submitForm } from './submit-form.ts';
import { suggest } from './suggest.ts';
import { type LinkedPictures, takeInLinks } from './take-in-links.ts';

/** Nobody waits long to be answered in another language. */
const languageDeadlineMs = 500;

/** The platform-neutral half of every chat: what people say and press becomes requests, settings, lists and words. */
export function createChatCore(deps: ChatCoreDeps): ChatCore {
  const { db, reader, feed, queue, board, settings, people } = deps;
  const access = createAccess(deps);
  const acceptor = createAcceptor(deps, { rate: createRateLimit(deps.now), checkAccess: access.check });
  const context: ChatContext = {
    deps,
    access,
    know,
    accept: acceptor.accept,
    keepImage: acceptor.keepImage,
    checkWords: acceptor.checkWords,
    checkRate: acceptor.checkRate,
    async visible(requestId, by) {
      const [facts] = await reader.readFacts([requestId]);
      if (facts === undefined) throw new AppError('not_found', 'there is no such request');
      if (!(await access.maySee(facts, by))) throw new AppError('forbidden', 'not theirs to see');
      if (facts.marks?.isDeleted === true) throw deletedByAuthor();
      if (isKeptPrivate(facts) && isOverheard(by)) throw privateHere();
      return shownIn({ isOpen: showsAdultOpenly(by, settings) }, facts);
    },
  };

  /** In the language that they chose, where they chose one. */
  async function know(by: Asker): Promise<KnownAsker> {
    if (!deps.status.databaseReady) throw notAccepted();
    const person = await withDeadline(people.find(by.user), deps.acceptDeadlineMs ?? 4_000).catch((error: unknown) => {
      deps.status.suspectDatabase();
      throw error instanceof AppError && error.code === 'unavailable' ? notAccepted(error) : error;
    });
    const language = person.settings.language ?? by.user.language;
    return { ...by, user: { ...by.user, language }, personId: person.personId, m: messagesFor(language) };
  }

  /** Pictures that somebody linked to in their words, for who may ask. */
  async function linkedIn(words: string, by: KnownAsker, command: CommandName): Promise<LinkedPictures> {
    if (takeOutPictureLinks(words).links.length === 0) return { text: words, images: [] };
    await access.check(by, command);
    // Their request is counted later, when all of this has been fetched.
    acceptor.checkRate(by, 'fetch');
    const takeIn = (bytes: Uint8Array, name: string) => takeInImage(intake(), bytes, name);
    return takeInLinks(words, { fetchPicture: deps.fetchPicture, takeIn });
  }

  async function withLinked(call: ChatCommandCall, by: KnownAsker): Promise<ChatCommandCall> {
    const { prompt, ...values } = call.values;
    if (typeof prompt !== 'string' || call.command === 'workflow') return call;
    const { text, images } = await linkedIn(prompt, by, call.command);
    if (images.length === 0) return call;
    const words = text === '' ? values : { ...values, prompt: text };
    return { ...call, values: words, images: [...(call.images ?? []), ...images] };
  }

  async function run(asked: ChatCommandCall, asker: Asker): Promise<ChatOutcome> {
    const by = await know(asker);
    const call = await withLinked(asked, by);
    const checked = checkCall(call);
    switch (call.command) {
      case 'imagine':
      case 'edit':
      case 'describe':
      case 'blend':
      case 'upscale':
      case 'animate':
      case 'storyboard':
        return runDrawingCommand(context, { checked, call, by });
      case 'workflow':
        await access.check(by, 'workflow');
        return runWorkflowCommand(context, { checked, call, by });
      case 'settings':
      case 'prefer':
      case 'link':
        await access.check(by, call.command);
        return runSettingsCommand(context, checked, by);
      case 'signin':
      case 'token':
        await access.check(by, call.command);
        return runBrowserCommand(context, checked, by);
      case 'admin':
        return runAdminCommand(context, checked, by);
      default:
        await access.check(by, call.command);
        return runInfoCommand(context, checked, by);
    }
  }

  async function submit(line: ChatLine): Promise<ChatOutcome> {
    const { text, images, file, options, about, quoted, ...asker } = line;
    if (text.trim() === '' && hasWorkflow(file)) {
      // A workflow that comes without a word is meant to be run.
      return run({ command: 'workflow', subcommand: 'run', values: {}, attachments: { file } }, asker);
    }
    const parsed = parseChatText(text);
    if (parsed.kind === 'call') {
      const attachments = file === undefined ? {} : { file };
      const values = { ...flatten(options), ...parsed.call.values };
      return run(
        {
          ...parsed.call,
          values,
          attachments,
          ...(images === undefined ? {} : { images }),
          ...(about === undefined ? {} : { about }),
        },
        asker,
      );
    }
    const by = await know(asker);
    const isPlain = images === undefined && options === undefined && Object.keys(parsed.options).length === 0;
    const answered = isPlain ? await answerByReply(context, by, { about, text: parsed.text }) : undefined;
    if (answered !== undefined) return answered;
    // Whoever names a request need not be allowed to see it.
    const sources = await Promise.all((about ?? []).map(({ requestId }) => context.visible(requestId, by)));
    for (const source of sources) checkAdultSource(source, by, settings);
    const merged = mergeOptions(options ?? {}, parsed.options);
    const linked = await linkedIn(parsed.text, by, 'imagine');
    const pictures = [...(images ?? []), ...linked.images];
    const body: RequestBody = {
      kind: 'words',
      // A link alone still says what it is about.
      text: linked.text === '' ? parsed.text : linked.text,
      ...(pictures.length === 0 ? {} : { images: pictures.slice(0, 5) }),
      ...(Object.keys(merged).length === 0 ? {} : { options: merged }),
      ...(about === undefined || about.length === 0 ? {} : { about: [...about].slice(0, 5) }),
      ...(quoted === undefined || quoted === '' ? {} : { quoted: quoted.slice(0, 4_000) }),
    };
    // What comes of a private result is private, unless they say otherwise.
    const isPrivate = parsed.isPrivate ?? (sources.some(isKeptPrivate) ? true : undefined);
    return context.accept(by, body, { isPrivate });
  }

  async function checkButton(button: PressedButton, by: KnownAsker): Promise<void> {
    const command = commandOfButton(button);
    if (command !== undefined) await access.check(by, command);
  }

  return {
    submit,
    run,
    async press(button, asker) {
      const by = await know(asker);
      await checkButton(button, by);
      return pressButton(context, button, by);
    },
    async submitForm(form, values, asker) {
      const by = await know(asker);
      await checkButton(form, by);
      return submitForm(context, form, values, by);
    },
    suggest: (source, typed, by, command) => suggest(context, { source, typed, command }, by),
    readFacts: (requestIds) => reader.readFacts(requestIds),
    readQueue: () => queue.read(),
    live: () => liveFactsOf(deps),
    preview(facts) {
      const running = facts.jobs.findLast((job) => job.finishedAt === null && board.preview(job.id) !== undefined);
      return running === undefined ? undefined : board.preview(running.id);
    },
    takeInImage: (bytes, name) => takeInImage(intake(), bytes, name),
    takeInFile: (bytes, name) => takeInFile(intake(), bytes, name),
    files: deps.postedFiles,
    originals: deps.files,
    fileUrl: (file) => (deps.publicUrl === undefined ? undefined : `${deps.publicUrl}${deps.signedFilePath(file)}`),
    channelSettings: (place, channelIds = []) => settings.channel(place.door, [...channelIds, place.id]),
    personSettings: (personId) => people.settingsOf(personId),
    languageOf: async (user) => {
      try {
        return (await withDeadline(people.find(user), languageDeadlineMs)).settings.language ?? user.language;
      } catch {
        return user.language;
      }
    },
    languageFor({ request }) {
      // Its author alone reads a private one, and not in the channel.
      if (request.isPrivate) return request.language;
      return settings.channel(request.place.door, [request.place.id]).language ?? request.language;
    },
    watchBoards(door, onChange) {
      const tell = (): void => onChange(settings.boards(door), queue.current);
      const releases = [settings.watch(tell), queue.watch(tell)];
      return () => {
        for (const release of releases) release();
      };
    },
    async keepBoard(place, messageRef) {
      await saveBoardRef(db, place, messageRef);
      await settings.refresh();
    },
    async moveChat(door, fromId, toId) {
      await moveChatSettings(db, { door, fromId, toId });
      await settings.refresh();
    },
    watch: (door, listener) =>
      feed.watch({
        doors: [door],
        onChange: (facts) => listener(facts, liveFactsOf(deps), 'change'),
        onProgress: (facts) => listener(facts, liveFactsOf(deps), 'progress'),
        onPreview: (facts) => listener(facts, liveFactsOf(deps), 'preview'),
        onReply: (facts) => listener(facts, liveFactsOf(deps), 'progress'),
      }),
  };

  function intake() {
    return { store: deps.files, register: (asset: Parameters<typeof registerAsset>[1]) => registerAsset(db, asset) };
  }
}

function hasWorkflow(file: ChatLine['file']): file is TakenFile {
  return (
    file !== undefined &&
    (file.kind === 'text' ? file.text.trimStart().startsWith('{') : file.workflowText !== undefined)
  );
}

/** Options of a form as values of a command; what a command's own line says counts more. */
function flatten(options: ChatLine['options']): Record<string, string | number> {
  const { width, height, loras, durationSeconds, ...rest } = options ?? {};
  return {
    ...(Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as Record<
      string,
      string | number
    >),
    ...(width === undefined || height === undefined ? {} : { size: `${width}x${height}` }),
    ...(durationSeconds === undefined ? {} : { duration: durationSeconds }),
    ...(loras === undefined ? {} : { lora: loras.map(({ name, strength }) => `${name}:${strength}`).join(',') }),
  };
}

function privateHere(): AppError {
  return new AppError('forbidden', 'a private request where others read along', {
    publicMessage: {
      en: 'This one is private, and others read along here: ask for it in our private chat.',
      zh: '这是私密作品，而此处其他人也能看到：请在与我的私聊中查看。',
    },
  });
}

function deletedByAuthor(): AppError {
  return new AppError('not_found', 'its author deleted it', {
    publicMessage: { en: 'Its author has deleted this.', zh: '作者已将其删除。' },
  });
}

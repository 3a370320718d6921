import { Readable } from 'node:stream';
import type { CardFacts } from '@atelier/bot/core/cards/card-facts';
import type { ChannelSettings, ChatCore, PersonSettings, QueueBoard } from '@atelier/bot/ports';
import { AppError } from '@atelier/shared/errors/app-error';

type Watcher = Parameters<ChatCore['watch']>[1];
type BoardWatcher = Parameters<ChatCore['watchBoards']>[1];

/** What a test answers in the core's place; what it leaves out is refused. */
export type ChatScript = Partial<Pick<ChatCore, 'submit' | 'run' | 'press' | 'submitForm' | 'suggest' | 'preview'>>;

/** A core that says what a test scripts, and keeps what it was told. */
export function createScriptedChat() {
  const script: ChatScript = {};
  const known = new Map<string, CardFacts>();
  const files = new Map<string, Buffer>();
  const stored = {
    async get(hash: string) {
      const bytes = files.get(hash);
      if (bytes === undefined) throw new AppError('not_found', 'no such file');
      return Readable.from([bytes]);
    },
    head: async () => undefined,
  };
  const watchers = new Set<Watcher>();
  const boardWatchers = new Set<BoardWatcher>();
  const keptBoards: Record<string, unknown>[] = [];
  let channel: ChannelSettings = {};
  let person: PersonSettings = {};
  const refuse = (what: string) => Promise.reject(new AppError('unavailable', `nobody scripted ${what}`));

  const chat: ChatCore = {
    submit: (line) => script.submit?.(line) ?? refuse('submit'),
    run: (call, by) => script.run?.(call, by) ?? refuse('run'),
    press: (button, by) => script.press?.(button, by) ?? refuse('press'),
    submitForm: (form, values, by) => script.submitForm?.(form, values, by) ?? refuse('submitForm'),
    suggest: async (source, typed, by) => (await script.suggest?.(source, typed, by)) ?? [],
    preview: (facts) => script.preview?.(facts),
    readFacts: async (ids) => ids.flatMap((id) => known.get(id) ?? []),
    readQueue: async () => ({ open: [], forecasts: new Map() }),
    live: () => ({ forecasts: new Map(), progress: new Map() }),
    takeInImage: async (bytes) => {
      const hash = String(files.size % 10).repeat(64);
      files.set(hash, Buffer.from(bytes));
      return { hash, mediaType: 'image/png' };
    },
    async takeInFile(bytes, name = '') {
      return { kind: 'text', name, text: Buffer.from(bytes).toString() };
    },
    files: stored,
    originals: stored,
    fileUrl: ({ hash, filename }) => `https://pictures.example/${hash.slice(0, 8)}/${filename}`,
    channelSettings: () => channel,
    personSettings: async () => person,
    languageOf: async (user) => user.language,
    languageFor: (facts) => facts.request.language,
    watchBoards(_door, onChange) {
      boardWatchers.add(onChange);
      return () => boardWatchers.delete(onChange);
    },
    async keepBoard(_place, messageRef) {
      keptBoards.push(messageRef);
    },
    moveChat: async () => undefined,
    watch(_door, listener) {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
  };

  return {
    chat,
    script,
    /** Requests that can be read. */
    known,
    files,
    keptBoards,
    setChannel: (settings: ChannelSettings) => (channel = settings),
    setPerson: (settings: PersonSettings) => (person = settings),
    /** Something changed about a request. */
    tell(facts: CardFacts, cause: Parameters<Watcher>[2] = 'change'): void {
      known.set(facts.request.id, facts);
      for (const watcher of watchers) watcher(facts, chat.live(), cause);
    },
    showBoards(boards: readonly QueueBoard[], queue: Parameters<BoardWatcher>[1]): void {
      for (const watcher of boardWatchers) watcher(boards, queue);
    },
    /** Forgets what one test scripted. */
    reset(): void {
      for (const key of Object.keys(script) as (keyof ChatScript)[]) delete script[key];
      channel = {};
      person = {};
      keptBoards.length = 0;
    },
  };
}
export type ScriptedChat = ReturnType<typeof createScriptedChat>;

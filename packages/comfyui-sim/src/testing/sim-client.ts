import { WebSocket } from 'ws';

/** A text message as a socket received it. */
export interface ReceivedMessage {
  type: string;
  data: Record<string, unknown>;
}

/** An answer to `POST /prompt`, as far as tests look at it. */
export interface PostAnswer {
  status: number;
  promptId: string;
  body: Record<string, unknown>;
}

/** A small client for the simulator's own tests. */
export interface SimClient {
  messages: readonly ReceivedMessage[];
  frames: readonly Buffer[];
  post: (prompt: unknown, extra?: Record<string, unknown>) => Promise<PostAnswer>;
  get: (path: string) => Promise<unknown>;
  /** Resolves when the condition holds after a message. */
  until: (condition: () => boolean, what: string) => Promise<void>;
  /** Posts and waits for its end; gives its history entry. */
  run: (prompt: unknown, extra?: Record<string, unknown>) => Promise<HistoryView>;
  ended: (promptId: string) => Promise<HistoryView>;
  isClosed: () => boolean;
  close: () => Promise<void>;
}

export interface HistoryView {
  outputs: Record<string, { images?: { filename: string; subfolder: string; type: string }[]; text?: string[] }>;
  status: { status_str: string; completed: boolean; messages: [string, Record<string, unknown>][] };
}

const waitMs = 10_000;

export interface SimClientOptions {
  clientId?: string;
  /** Left out, no feature flags are sent. */
  wantsMetadata?: boolean;
}

/** Connects a socket to the simulator at `url`. */
export async function connectSimClient(url: string, options: SimClientOptions = {}): Promise<SimClient> {
  const clientId = options.clientId ?? 'tester';
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws?clientId=${clientId}`);
  const messages: ReceivedMessage[] = [];
  const frames: Buffer[] = [];
  let watchers: (() => void)[] = [];
  socket.on('message', (data, isBinary) => {
    if (!Buffer.isBuffer(data)) return;
    if (isBinary) frames.push(data);
    else messages.push(JSON.parse(data.toString('utf8')) as ReceivedMessage);
    for (const watcher of watchers) watcher();
  });
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      for (const watcher of watchers) watcher();
      resolve();
    });
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });

  const until: SimClient['until'] = async (condition, what) => {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const end = (error?: Error): void => {
        clearTimeout(timer);
        watchers = watchers.filter((each) => each !== watcher);
        if (error === undefined) resolve();
        else reject(error);
      };
      const watcher = (): void => {
        if (condition()) end();
      };
      const timer = setTimeout(() => end(new Error(`Not seen: ${what}`)), waitMs);
      watchers.push(watcher);
    });
  };

  const get: SimClient['get'] = async (path) => (await fetch(`${url}${path}`)).json();

  const post: SimClient['post'] = async (prompt, extra = {}) => {
    const answer = await fetch(`${url}/prompt`, {
      method: 'POST',
      body: JSON.stringify({ prompt, client_id: clientId, ...extra }),
    });
    const text = await answer.text();
    const body = (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown>;
    return { status: answer.status, promptId: typeof body['prompt_id'] === 'string' ? body['prompt_id'] : '', body };
  };

  const ended: SimClient['ended'] = async (promptId) => {
    const isEnd = ({ type, data }: ReceivedMessage): boolean =>
      type === 'executing' && data['node'] === null && data['prompt_id'] === promptId;
    await until(() => messages.some(isEnd), `the end of ${promptId}`);
    const history = (await get(`/history/${promptId}`)) as Record<string, HistoryView>;
    const entry = history[promptId];
    if (entry === undefined) throw new Error(`${promptId} is not in history`);
    return entry;
  };

  if (options.wantsMetadata !== undefined) {
    socket.send(JSON.stringify({ type: 'feature_flags', data: { supports_preview_metadata: options.wantsMetadata } }));
    await until(() => messages.some(({ type }) => type === 'feature_flags'), 'feature_flags');
  }
  await until(() => messages.length > 0, 'the first status');

  return {
    messages,
    frames,
    post,
    get,
    until,
    ended,
    run: async (prompt, extra) => {
      const { promptId, status } = await post(prompt, extra);
      if (status !== 200) throw new Error(`POST /prompt answered ${status}`);
      return ended(promptId);
    },
    isClosed: () => socket.readyState === socket.CLOSED,
    close: async () => {
      socket.close();
      await closed;
    },
  };
}

import type { ChatMessages } from './chat-messages.ts';

/** Seconds, low to high. */
export interface Range {
  low: number;
  high: number;
}

/** Every sentence that the bot says in a chat, in one language. Adapters never write words of their own. */
export interface Messages {
  /** Short states, for a card's headline. */
  states: {
    accepted: string;
    planning: string;
    /** It waits for an answer of its author. */
    asking: string;
    queued: string;
    starting: string;
    running: string;
    finishing: string;
    cancelling: string;
    succeeded: (pictures: number) => string;
    /** Some pictures came, fewer than asked for. */
    partly: (pictures: number, asked: number) => string;
    replied: string;
    failed: string;
    cancelled: string;
  };
  /** Of commands, buttons and forms. */
  chat: ChatMessages;
  queue: {
    title: string;
    empty: string;
    /** How many wait and how many run. */
    summary: (waiting: number, running: number) => string;
    /** Why it may take longer: GPUs that operators paused, and prompts in a ComfyUI that did not come through us. */
    held: (pausedGpus: number, foreignPrompts: number) => string;
    next: string;
    position: (position: number) => string;
    startsIn: (seconds: Range) => string;
    endsIn: (seconds: Range) => string;
    noEstimate: string;
    running: string;
    you: string;
    /** Beyond what the card lists. */
    more: (count: number) => string;
    planning: string;
  };
  progress: {
    /** What a node of this kind does, in everyday words. */
    nodes: { loading: string; text: string; sampling: string; decoding: string; upscaling: string; saving: string };
    working: string;
    step: (step: number, steps: number) => string;
    /** Of the pictures of a request. */
    picture: (index: number, count: number) => string;
  };
  details: {
    pictures: (count: number) => string;
    seed: (seed: string) => string;
    steps: (steps: number) => string;
    negative: (text: string) => string;
  };
  /** For who does not see the picture. */
  alt: (index: number, count: number, prompt: string) => string;
  again: string;
  /** What a request for words about a picture is called. */
  describe: string;
  fallbackError: string;
  /** What the server as a whole has to say. */
  notices: {
    comfyuiAway: string;
    noWorker: string;
    paused: string;
    natsAway: string;
    databaseAway: string;
    starting: string;
    discordRefused: string;
    telegramRefused: string;
  };
  replies: {
    help: string;
    nothingToCancel: string;
    cancelling: string;
    alreadyFinished: string;
    /** Under files that a platform did not take as they are. */
    reencoded: string;
  };
}

import { chatEn } from './chat-en.ts';
import { durationWords } from './duration-words.ts';
import type { Messages, Range } from './messages.ts';

const plural = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

const duration = (range: Range): string => durationWords(range, { seconds: 's', minutes: 'min', hours: 'h' });

function ordinal(n: number): string {
  const tens = n % 100;
  const ending = tens >= 11 && tens <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
  return `${n}${ending}`;
}

export const en: Messages = {
  states: {
    accepted: 'Accepted',
    planning: 'Planning',
    asking: 'Your answer is needed',
    queued: 'In the queue',
    starting: 'Starting',
    running: 'Drawing',
    finishing: 'Finishing',
    cancelling: 'Cancelling',
    succeeded: (pictures) => (pictures === 1 ? 'Done' : `Done, ${pictures} pictures`),
    partly: (pictures, asked) => `Done, ${pictures} of ${asked} pictures`,
    replied: 'Answered',
    failed: 'Did not work',
    cancelled: 'Cancelled',
  },
  chat: chatEn,
  queue: {
    title: 'Queue',
    empty: 'Nothing waits. The next request starts at once.',
    summary: (waiting, running) =>
      [running > 0 ? `${running} running` : '', waiting > 0 ? `${waiting} waiting` : '']
        .filter((part) => part !== '')
        .join(', '),
    held: (pausedGpus, foreignPrompts) =>
      [
        pausedGpus > 0 ? `${pausedGpus} ${pausedGpus === 1 ? 'GPU is' : 'GPUs are'} paused` : '',
        foreignPrompts > 0 ? `${foreignPrompts} asked of ComfyUI directly, and counted in the times` : '',
      ]
        .filter((part) => part !== '')
        .join(', '),
    next: 'Next in line',
    position: (position) => `${ordinal(position)} in line`,
    startsIn: (seconds) => (seconds.high < 1 ? 'starts now' : `starts in about ${duration(seconds)}`),
    endsIn: (seconds) => (seconds.high < 1 ? 'done any moment' : `done in about ${duration(seconds)}`),
    noEstimate: 'starts when a GPU is back',
    running: 'Drawing',
    you: 'You',
    more: (count) => `and ${count} more`,
    planning: 'Planning',
  },
  progress: {
    nodes: {
      loading: 'Loading the model',
      text: 'Reading the prompt',
      sampling: 'Drawing',
      decoding: 'Developing the picture',
      upscaling: 'Enlarging',
      saving: 'Saving',
    },
    working: 'Working',
    step: (step, steps) => `step ${step} of ${steps}`,
    picture: (index, count) => `picture ${index} of ${count}`,
  },
  details: {
    pictures: (count) => plural(count, 'picture', 'pictures'),
    seed: (seed) => `seed ${seed}`,
    steps: (steps) => plural(steps, 'step', 'steps'),
    negative: (text) => `Without: ${text}`,
  },
  alt: (index, count, prompt) => (count === 1 ? `Picture: ${prompt}` : `Picture ${index} of ${count}: ${prompt}`),
  again: 'The same again',
  describe: 'Describe this picture',
  fallbackError: 'This did not work. Try again, and tell the operator if it repeats.',
  notices: {
    comfyuiAway: 'ComfyUI is away. Your requests are kept and start when it is back.',
    noWorker: 'No GPU is connected. Your requests are kept and start when one is back.',
    paused: 'The queue is paused by its operator. Your requests are kept.',
    natsAway: 'Live updates are interrupted. Requests are still accepted, and results arrive a few seconds later.',
    databaseAway: 'The server cannot accept requests right now. What was accepted is kept. Your text stays here.',
    starting: 'The server is starting.',
    discordRefused:
      'Discord refuses the bot: its operator must put the present token into DISCORD_TOKEN. This page goes on.',
    telegramRefused:
      'Telegram refuses the bot: its operator must put the present token into TELEGRAM_TOKEN. This page goes on.',
  },
  replies: {
    help: [
      'Say what you want to see, such as: a red fox in snow, portrait, 2 images',
      'Or set it exactly: /imagine a red fox in snow --ar 3:4 --n 2 --seed 7 --no text, watermark',
      '/queue shows who waits, /cancel stops your latest request.',
    ].join('\n'),
    nothingToCancel: 'You have nothing that could be cancelled.',
    cancelling: 'Cancelling your latest request.',
    alreadyFinished: 'This had already finished.',
    reencoded: 'Too large to attach here as it is: this is a WebP of it.',
  },
};

import type { ScriptedUse } from '../support/anthropic/tool-steps.ts';

/** What a person says, and what the model replies until it is done: uses of tools, or words. */
export interface AgentTask {
  words: string;
  replies: readonly (readonly ScriptedUse[] | string)[];
}

const draw = (make: Record<string, unknown>, more: Record<string, unknown> = {}): readonly ScriptedUse[] => [
  ['run', { make, reply: 'Here it comes.', ...more }],
];

/** Twenty tasks of a busy channel: most of them plain pictures, some that need the whole workshop. */
export const agentTasks: readonly AgentTask[] = [
  { words: 'a red fox in snow, portrait', replies: [draw({ prompt: 'a red fox in snow', aspect: '3:4' })] },
  {
    words: '四张赛博朋克风格的上海夜景',
    replies: [draw({ prompt: 'Shanghai at night, cyberpunk style' }, { count: 4 })],
  },
  {
    words: 'a logo for a bakery, without text',
    replies: [draw({ prompt: 'a minimal bakery logo, flat vector', negative: 'text, letters' })],
  },
  {
    words: 'wallpaper of mountains at dawn, widescreen',
    replies: [draw({ prompt: 'mountains at dawn', aspect: '16:9' })],
  },
  {
    words: 'an astronaut cat, oil painting, 30 steps',
    replies: [draw({ prompt: 'an astronaut cat, oil painting', steps: 30 })],
  },
  {
    words: 'a sheet of 8 icons for a weather app',
    replies: [draw({ prompt: 'weather app icons, isometric' }, { count: 8 })],
  },
  {
    words: 'the same with SDXL',
    replies: [
      [['search', { in: 'models', query: 'sdxl' }]],
      draw({ prompt: 'weather app icons, isometric', recipe: 'text-to-image-sdxl' }),
    ],
  },
  {
    words: 'a short clip of waves',
    replies: [draw({ prompt: 'waves rolling onto a beach', operation: 'text-to-video', durationSeconds: 3 })],
  },
  {
    words: 'which models do you have for anime?',
    replies: [
      [
        ['search', { in: 'models', query: 'anime' }],
        ['search', { in: 'models', folder: 'checkpoints' }],
      ],
      'None for anime alone; SDXL does it best here.',
    ],
  },
  { words: 'how busy is it?', replies: [[['server', {}]], 'Nothing waits.'] },
  {
    words: 'how long would 8 pictures at 50 steps take?',
    replies: [[['run', { make: { prompt: 'a test', steps: 50 }, count: 8, estimate_only: true }]], 'About a minute.'],
  },
  {
    words: 'make it faster',
    replies: [
      [
        ['run', { make: { prompt: 'a test', steps: 50 }, count: 8, estimate_only: true }],
        ['run', { make: { prompt: 'a test', steps: 20 }, count: 8, estimate_only: true }],
      ],
      'With 20 steps it takes 40 %.',
    ],
  },
  {
    words: 'remember that I like square pictures',
    replies: [[['memory', { action: 'remember', key: 'aspect', value: '1:1' }]], 'I will.'],
  },
  {
    words: 'draw my pet',
    replies: [
      [['ask', { question: 'Cat or dog?', choices: ['Cat', 'Dog'] }]],
      draw({ prompt: 'a cat', aspect: '1:1' }),
    ],
  },
  {
    words: 'a heist in four shots, film noir',
    replies: [
      [
        [
          'run',
          {
            shots: ['a vault', 'a getaway car', 'a rooftop chase', 'a handcuffed thief'].map((prompt, index) => ({
              id: `s${index + 1}`,
              prompt,
            })),
            style: 'film noir',
            reply: 'Four shots.',
          },
        ],
      ],
    ],
  },
  {
    words: 'build me a workflow that draws, inverts and saves both',
    replies: [
      [['draft', { recipe: 'text-to-image-sdxl', values: { prompt: 'a lighthouse', seed: 1 } }]],
      [
        ['search', { in: 'nodes', query: 'invert image', limit: 3 }],
        ['describe', { names: ['ImageInvert'] }],
      ],
      [['inspect', { what: 'notation' }]],
      [
        [
          'edit',
          {
            changes: [
              {
                op: 'add',
                notation:
                  'inverted = ImageInvert(image=image)\nsave_inverted = SaveImage(images=inverted filename_prefix="inverted")',
              },
            ],
          },
        ],
      ],
      [['inspect', { what: 'check' }]],
      [['run', { draft: 'current', reply: 'Both are on their way.' }]],
    ],
  },
  {
    words: 'explain what it does',
    replies: [[['inspect', { what: 'explain' }]], 'It draws a lighthouse and saves it twice, once inverted.'],
  },
  {
    words: 'and what changed since the recipe?',
    replies: [[['inspect', { what: 'diff', with: 'text-to-image-sdxl' }]], 'Two nodes were added.'],
  },
  {
    words: 'write one from scratch: an empty picture, saved',
    replies: [
      [['describe', { names: ['EmptyImage', 'SaveImage'] }]],
      [
        [
          'draft',
          {
            notation:
              'blank = EmptyImage(width=512 height=512 batch_size=1 color=0)\nsave = SaveImage(images=blank filename_prefix="blank")',
          },
        ],
      ],
      [['run', { draft: 'current', reply: 'An empty picture.' }]],
    ],
  },
  {
    words: "yesterday's fox, but at night",
    replies: [
      [['search', { in: 'pictures', query: 'fox', days: 2 }]],
      draw({ prompt: 'a red fox in snow at night', aspect: '3:4' }),
    ],
  },
];

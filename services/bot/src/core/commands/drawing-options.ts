import { MAX_COUNT, MAX_PROMPT_CHARS } from '@atelier/shared/contracts/request';
import {
  choice,
  choiceOption,
  imageOption,
  local,
  numberOption,
  switchOption,
  textOption,
  wholeOption,
} from './command-builders.ts';
import type { CommandChoice } from './command-spec.ts';

/** The shapes that are offered by name; any other may be typed. */
export const aspectChoices: readonly CommandChoice[] = [
  choice('1:1', 'Square 1:1', '方形 1:1'),
  choice('3:4', 'Portrait 3:4', '竖版 3:4'),
  choice('2:3', 'Portrait 2:3', '竖版 2:3'),
  choice('9:16', 'Tall 9:16', '长竖 9:16'),
  choice('4:3', 'Landscape 4:3', '横版 4:3'),
  choice('3:2', 'Landscape 3:2', '横版 3:2'),
  choice('16:9', 'Wide 16:9', '宽屏 16:9'),
];

/** Options that several commands share, by name. */
export const drawingOptions = {
  prompt: textOption('prompt', '描述', local('What you want to see', '你想看到的画面'), {
    required: true,
    maxLength: MAX_PROMPT_CHARS,
  }),
  aspect: {
    ...choiceOption('aspect', '比例', local('Shape of the picture, width to height', '画面的宽高比'), aspectChoices),
    aliases: ['ar', 'ratio', '宽高比'],
  },
  size: textOption(
    'size',
    '尺寸',
    local('Width x height in pixels, such as 768x1024; instead of a shape', '宽x高（像素），例如 768x1024；代替比例'),
    { aliases: ['大小'], maxLength: 20 },
  ),
  count: wholeOption('count', '数量', local('How many pictures', '生成几张图片'), {
    aliases: ['n', 'images', '张数'],
    min: 1,
    max: MAX_COUNT,
  }),
  // A whole number up to 2^64-1, which no platform's number type holds.
  seed: textOption(
    'seed',
    '种子',
    local('A whole number; the same seed draws the same picture again', '整数；相同的种子会得到相同的图片'),
    { maxLength: 20 },
  ),
  negative: textOption('negative', '不要', local('What must not be in the picture', '不想出现在画面中的内容'), {
    aliases: ['no', '负面', '反向'],
    maxLength: MAX_PROMPT_CHARS,
  }),
  style: textOption('style', '风格', local('A house style, or a shortcut of yours', '团队风格或你的快捷方式'), {
    maxLength: 100,
    suggest: 'style',
  }),
  model: textOption(
    'model',
    '模型',
    local('Name of the model; without it the best one is chosen', '模型名称；不填则自动选择'),
    { maxLength: 200, suggest: 'model' },
  ),
  recipe: textOption(
    'recipe',
    '配方',
    local('Name of the recipe; without it the best one is chosen', '配方名称；不填则自动选择'),
    { maxLength: 100, suggest: 'recipe' },
  ),
  lora: textOption(
    'lora',
    '微调',
    local('A LoRA, with its strength behind a colon, such as detail:0.8', 'LoRA 名称，冒号后写强度，例如 detail:0.8'),
    { maxLength: 210, suggest: 'lora' },
  ),
  sampler: textOption('sampler', '采样器', local('Name of the sampler', '采样器名称'), {
    maxLength: 100,
    suggest: 'sampler',
  }),
  scheduler: textOption('scheduler', '调度器', local('Name of the scheduler', '调度器名称'), {
    maxLength: 100,
    suggest: 'scheduler',
  }),
  image: imageOption('image', '图片', local('A picture to start from', '作为起点的图片')),
  mask: imageOption(
    'mask',
    '蒙版',
    local('What may be redrawn: white is drawn anew', '可重绘的部分：白色区域会重新绘制'),
  ),
  strength: numberOption(
    'strength',
    '强度',
    local('How far the picture may be left behind: 0 keeps it, 1 ignores it', '偏离原图的程度：0 保留，1 忽略'),
    { min: 0, max: 1 },
  ),
  steps: wholeOption('steps', '步数', local('Steps of the sampler; more take longer', '采样步数，越多越慢'), {
    min: 1,
    max: 200,
  }),
  cfg: numberOption('cfg', '引导', local('How closely the words are followed', '遵循描述的程度'), { min: 0, max: 50 }),
  duration: numberOption('duration', '时长', local('Length of the video in seconds', '视频时长（秒）'), {
    aliases: ['seconds', '秒'],
    min: 0.5,
    max: 30,
  }),
  private: switchOption('private', '私密', local('Only you see the result', '结果仅你可见')),
  job: textOption(
    'job',
    '作品',
    local('An earlier result: choose it, or its number from /jobs', '之前的作品：选择，或填写 /jobs 中的编号'),
    { aliases: ['id', '编号'], maxLength: 40, suggest: 'job' },
  ),
  picture: wholeOption('picture', '第几张', local('Which of its pictures, from 1', '其中第几张，从 1 开始'), {
    min: 1,
    max: 100,
  }),
  page: wholeOption('page', '页', local('Which page, from 1', '第几页，从 1 开始'), { min: 1, max: 1_000 }),
};

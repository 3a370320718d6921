import { MAX_PROMPT_CHARS } from '@atelier/shared/contracts/request';
import { adminCommand } from './admin-command.ts';
import type { CommandName, CommandOption, CommandSpec } from './command-spec.ts';
import { drawingOptions as options } from './drawing-options.ts';
import { settingsCommands } from './settings-commands.ts';
import { workflowCommand } from './workflow-command.ts';

/** The prompt where it may be left out. */
const words = (en: string, zh: string): CommandOption => ({
  name: 'prompt',
  zhName: '描述',
  type: 'text',
  description: { en, zh },
  maxLength: MAX_PROMPT_CHARS,
});

const required = (option: CommandOption): CommandOption => ({ ...option, required: true });
const picture = (name: string, zhName: string, en: string, zh: string): CommandOption => ({
  name,
  zhName,
  type: 'image',
  description: { en, zh },
});

/**
 * Every command, once: adapters make the platform's own form of them from this table, and `ChatCore.run` takes what people
 * filled in. At most 25 options a command, as Discord allows.
 */
export const commandTable: readonly CommandSpec[] = [
  {
    name: 'imagine',
    zhName: '画图',
    aliases: ['draw', '画', '想象'],
    description: { en: 'Draw a picture from words', zh: '用文字生成图片' },
    example: { en: '/imagine a red fox in snow --ar 3:4 --n 2', zh: '/画图 雪地里的红狐狸 --比例 3:4 --数量 2' },
    options: [
      options.prompt,
      options.aspect,
      options.count,
      options.image,
      options.negative,
      options.style,
      options.model,
      options.recipe,
      options.seed,
      options.size,
      options.steps,
      options.cfg,
      options.strength,
      options.sampler,
      options.scheduler,
      options.lora,
      options.mask,
      options.private,
    ],
    textOption: 'prompt',
    makesRequest: true,
  },
  {
    name: 'edit',
    zhName: '修改',
    aliases: ['改图', '编辑'],
    description: { en: 'Change a picture by saying what is to be different', zh: '用文字说明如何修改图片' },
    example: { en: '/edit make the sky stormy', zh: '/修改 把天空改成暴风雨' },
    options: [
      { ...options.prompt, description: { en: 'What is to be different', zh: '要改变什么' } },
      {
        ...options.image,
        description: { en: 'The picture; or choose an earlier result', zh: '图片；或选择之前的作品' },
      },
      options.job,
      options.picture,
      { ...options.mask },
      options.count,
      options.strength,
      options.model,
      options.recipe,
      options.seed,
      options.private,
    ],
    textOption: 'prompt',
    makesRequest: true,
  },
  {
    name: 'describe',
    zhName: '描述图片',
    aliases: ['识图', '看图'],
    description: {
      en: 'Say in words what a picture shows, as prompts to draw it again',
      zh: '用文字描述图片，给出可再次绘制的提示词',
    },
    example: { en: '/describe with a picture attached', zh: '附上图片发送 /描述图片' },
    options: [
      {
        ...options.image,
        description: { en: 'The picture; or choose an earlier result', zh: '图片；或选择之前的作品' },
      },
      options.job,
      options.picture,
      options.private,
    ],
    makesRequest: true,
  },
  {
    name: 'blend',
    zhName: '融合',
    aliases: ['混合'],
    description: { en: 'Blend 2 to 5 pictures into one', zh: '把 2 到 5 张图片融合成一张' },
    example: { en: '/blend with 2 pictures attached', zh: '附上 2 张图片发送 /融合' },
    options: [
      required(picture('image', '图片1', 'The first picture', '第一张图片')),
      required(picture('image2', '图片2', 'The second picture', '第二张图片')),
      picture('image3', '图片3', 'The third picture', '第三张图片'),
      picture('image4', '图片4', 'The fourth picture', '第四张图片'),
      picture('image5', '图片5', 'The fifth picture', '第五张图片'),
      words('What the blend should be like', '融合后应是什么样'),
      options.aspect,
      options.count,
      options.seed,
      options.private,
    ],
    textOption: 'prompt',
    makesRequest: true,
  },
  {
    name: 'upscale',
    zhName: '放大',
    aliases: ['高清'],
    description: { en: 'Enlarge a picture', zh: '放大图片' },
    example: { en: '/upscale with a picture attached', zh: '附上图片发送 /放大' },
    options: [
      {
        ...options.image,
        description: { en: 'The picture; or choose an earlier result', zh: '图片；或选择之前的作品' },
      },
      options.job,
      options.picture,
      {
        name: 'mode',
        zhName: '方式',
        type: 'text',
        description: { en: 'Keep every line, or add detail', zh: '保留每处细节，或增加细节' },
        choices: [
          { value: 'subtle', label: { en: 'Subtle: keeps every line', zh: '忠实：保留每处细节' } },
          { value: 'creative', label: { en: 'Creative: adds detail', zh: '创意：增加细节' } },
        ],
      },
      options.private,
    ],
    makesRequest: true,
  },
  {
    name: 'animate',
    zhName: '动画',
    aliases: ['视频'],
    description: { en: 'Make a short video of a picture, or of words', zh: '用图片或文字生成短视频' },
    example: { en: '/animate the fox turns its head', zh: '/动画 狐狸转过头' },
    options: [
      words('How it moves', '如何运动'),
      {
        ...options.image,
        description: { en: 'The picture; or choose an earlier result', zh: '图片；或选择之前的作品' },
      },
      options.job,
      options.picture,
      options.duration,
      options.aspect,
      options.seed,
      options.private,
    ],
    textOption: 'prompt',
    makesRequest: true,
  },
  {
    name: 'storyboard',
    zhName: '分镜',
    aliases: ['故事板'],
    description: { en: 'Draw a list of shots, one picture each', zh: '按分镜列表逐一绘制' },
    example: {
      en: '/storyboard a fox wakes; it crosses the snow; it finds the sea',
      zh: '/分镜 狐狸醒来；它穿过雪地；它看见大海',
    },
    options: [
      {
        name: 'shots',
        zhName: '镜头',
        type: 'text',
        description: { en: 'One shot a line, or between semicolons', zh: '每行一个镜头，或用分号隔开' },
        maxLength: 6_000,
      },
      {
        name: 'file',
        zhName: '文件',
        type: 'file',
        description: { en: 'The shots as a text or JSON file', zh: '镜头列表文件（文本或 JSON）' },
      },
      words('Words that every shot shares', '所有镜头共用的描述'),
      options.aspect,
      options.style,
      options.model,
      options.seed,
      { ...options.image, description: { en: 'Who or what appears in every shot', zh: '每个镜头中出现的人或物' } },
      options.private,
    ],
    textOption: 'shots',
    makesRequest: true,
  },
  workflowCommand,
  {
    name: 'queue',
    zhName: '队列',
    aliases: ['排队'],
    description: { en: 'Show who waits and who is next', zh: '查看排队情况' },
    example: { en: '/queue', zh: '/队列' },
    options: [],
    makesRequest: false,
  },
  {
    name: 'jobs',
    zhName: '任务',
    aliases: ['我的任务'],
    description: { en: 'Your open and latest requests, with why they wait', zh: '你进行中和最近的请求，以及等待原因' },
    example: { en: '/jobs', zh: '/任务' },
    options: [options.page],
    textOption: 'page',
    makesRequest: false,
  },
  {
    name: 'show',
    zhName: '查看',
    aliases: [],
    description: { en: 'Show a request, also one from another platform', zh: '查看某个请求，也可来自其他平台' },
    example: { en: '/show 1f6c2a9b', zh: '/查看 1f6c2a9b' },
    options: [required(options.job), options.picture],
    textOption: 'job',
    makesRequest: false,
  },
  {
    name: 'cancel',
    zhName: '取消',
    aliases: ['stop', '停止'],
    description: { en: 'Cancel your latest request, or another of yours', zh: '取消你最近的请求或指定的请求' },
    example: { en: '/cancel', zh: '/取消' },
    options: [
      options.job,
      {
        name: 'all',
        zhName: '全部',
        type: 'switch',
        description: { en: 'All of yours that have not ended', zh: '取消你所有未完成的请求' },
      },
    ],
    textOption: 'job',
    makesRequest: false,
  },
  {
    name: 'history',
    zhName: '历史',
    aliases: [],
    description: { en: 'What you asked for, newest first', zh: '你的历史记录，最新在前' },
    example: { en: '/history fox', zh: '/历史 狐狸' },
    options: [
      {
        name: 'search',
        zhName: '搜索',
        type: 'text',
        description: { en: 'Words that were in it', zh: '其中包含的文字' },
        maxLength: 100,
      },
      options.page,
    ],
    textOption: 'search',
    makesRequest: false,
  },
  {
    name: 'gallery',
    zhName: '画廊',
    aliases: [],
    description: { en: "The team's pictures, or those you keep", zh: '团队的图片，或你收藏的图片' },
    example: { en: '/gallery', zh: '/画廊' },
    options: [
      {
        name: 'of',
        zhName: '范围',
        type: 'text',
        description: { en: "Whose pictures: the team's, or your favourites", zh: '谁的图片：团队的，或你的收藏' },
        choices: [
          { value: 'team', label: { en: "The team's", zh: '团队' } },
          { value: 'mine', label: { en: 'My favourites', zh: '我的收藏' } },
        ],
      },
      options.page,
    ],
    textOption: 'of',
    makesRequest: false,
  },
  {
    name: 'models',
    zhName: '模型',
    aliases: [],
    description: { en: 'The models that can be used here', zh: '可用的模型' },
    example: { en: '/models', zh: '/模型' },
    options: [options.page],
    textOption: 'page',
    makesRequest: false,
  },
  {
    name: 'recipes',
    zhName: '配方',
    aliases: [],
    description: { en: 'What can be made here, and why something cannot', zh: '可用的配方，以及不可用的原因' },
    example: { en: '/recipes', zh: '/配方' },
    options: [options.page],
    textOption: 'page',
    makesRequest: false,
  },
  ...settingsCommands,
  {
    name: 'usage',
    zhName: '用量',
    aliases: [],
    description: {
      en: 'What you used: pictures, GPU seconds, tokens, money',
      zh: '你的用量：图片、GPU 秒数、词元、费用',
    },
    example: { en: '/usage', zh: '/用量' },
    options: [
      {
        name: 'days',
        zhName: '天数',
        type: 'whole',
        description: { en: 'How many days back', zh: '最近多少天' },
        min: 1,
        max: 90,
      },
    ],
    textOption: 'days',
    makesRequest: false,
  },
  {
    name: 'help',
    zhName: '帮助',
    aliases: ['start'],
    description: { en: 'How to ask for pictures', zh: '如何使用' },
    example: { en: '/help', zh: '/帮助' },
    options: [
      {
        name: 'command',
        zhName: '命令',
        type: 'text',
        description: { en: 'About this command', zh: '关于某个命令' },
        maxLength: 40,
      },
    ],
    textOption: 'command',
    makesRequest: false,
  },
  adminCommand,
];

const byName = new Map<string, CommandSpec>(
  commandTable.flatMap((spec) => [spec.name, spec.zhName, ...spec.aliases].map((name) => [name, spec] as const)),
);

/** By its name in any language, or an alias. */
export function findCommand(name: string): CommandSpec | undefined {
  return byName.get(name.toLowerCase());
}

export function commandSpec(name: CommandName): CommandSpec {
  const spec = byName.get(name);
  if (spec === undefined) throw new Error(`the command ${name} is not in the table`);
  return spec;
}

/** The options of a command or of one of its subcommands. */
export function optionsOf(spec: CommandSpec, subcommand?: string): readonly CommandOption[] {
  if (spec.subcommands === undefined) return spec.options;
  return spec.subcommands.find((one) => one.name === subcommand)?.options ?? [];
}

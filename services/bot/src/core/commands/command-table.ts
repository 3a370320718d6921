import { MAX_PROMPT_CHARS } from '@atelier/shared/contracts/request';
import { adminCommand } from './admin-command.ts';
import { browserCommands } from './browser-commands.ts';
import {
  answerCommand,
  choice,
  choiceOption,
  described,
  fileOption,
  imageOption,
  local,
  requestCommand,
  required,
  switchOption,
  textOption,
  wholeOption,
} from './command-builders.ts';
import type { CommandName, CommandOption, CommandSpec, LocalText } from './command-spec.ts';
import { drawingOptions as options } from './drawing-options.ts';
import { settingsCommands } from './settings-commands.ts';
import { workflowCommand } from './workflow-command.ts';

/** The prompt where it may be left out. */
const words = (en: string, zh: string): CommandOption =>
  textOption('prompt', '描述', local(en, zh), { maxLength: MAX_PROMPT_CHARS });
/** The picture that a command works on: attached, or one of an earlier result. */
const sourceOptions: readonly CommandOption[] = [
  described(options.image, 'The picture; or choose an earlier result', '图片；或选择之前的作品'),
  options.job,
  options.picture,
];
const blended = (name: string, zhName: string, en: string, zh: string): CommandOption =>
  imageOption(name, zhName, local(en, zh));
/** A list in pages. */
const pagedCommand = (name: CommandName, zhName: string, description: LocalText, rest: { aliases?: string[] } = {}) =>
  answerCommand(name, zhName, description, local(`/${name}`, `/${zhName}`), {
    ...rest,
    options: [options.page],
    textOption: 'page',
  });

/**
 * Every command, once: adapters make the platform's own form of them from this table, and `ChatCore.run` takes what people
 * filled in. At most 25 options a command, as Discord allows.
 */
export const commandTable: readonly CommandSpec[] = [
  requestCommand(
    'imagine',
    '画图',
    local('Draw a picture from words', '用文字生成图片'),
    local('/imagine a red fox in snow --ar 3:4 --n 2', '/画图 雪地里的红狐狸 --比例 3:4 --数量 2'),
    {
      aliases: ['draw', '画', '想象'],
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
    },
  ),
  requestCommand(
    'edit',
    '修改',
    local('Change a picture by saying what is to be different', '用文字说明如何修改图片'),
    local('/edit make the sky stormy', '/修改 把天空改成暴风雨'),
    {
      aliases: ['改图', '编辑'],
      options: [
        described(options.prompt, 'What is to be different', '要改变什么'),
        ...sourceOptions,
        options.mask,
        options.count,
        options.strength,
        options.model,
        options.recipe,
        options.seed,
        options.private,
      ],
      textOption: 'prompt',
    },
  ),
  requestCommand(
    'describe',
    '描述图片',
    local('Say in words what a picture shows, as prompts to draw it again', '用文字描述图片，给出可再次绘制的提示词'),
    local('/describe with a picture attached', '附上图片发送 /描述图片'),
    { aliases: ['识图', '看图'], options: [...sourceOptions, options.private] },
  ),
  requestCommand(
    'blend',
    '融合',
    local('Blend 2 to 5 pictures into one', '把 2 到 5 张图片融合成一张'),
    local('/blend with 2 pictures attached', '附上 2 张图片发送 /融合'),
    {
      aliases: ['混合'],
      options: [
        required(blended('image', '图片1', 'The first picture', '第一张图片')),
        required(blended('image2', '图片2', 'The second picture', '第二张图片')),
        blended('image3', '图片3', 'The third picture', '第三张图片'),
        blended('image4', '图片4', 'The fourth picture', '第四张图片'),
        blended('image5', '图片5', 'The fifth picture', '第五张图片'),
        words('What the blend should be like', '融合后应是什么样'),
        options.aspect,
        options.count,
        options.seed,
        options.private,
      ],
      textOption: 'prompt',
    },
  ),
  requestCommand(
    'upscale',
    '放大',
    local('Enlarge a picture', '放大图片'),
    local('/upscale with a picture attached', '附上图片发送 /放大'),
    {
      aliases: ['高清'],
      options: [
        ...sourceOptions,
        choiceOption('mode', '方式', local('Keep every line, or add detail', '保留每处细节，或增加细节'), [
          choice('subtle', 'Subtle: keeps every line', '忠实：保留每处细节'),
          choice('creative', 'Creative: adds detail', '创意：增加细节'),
        ]),
        options.private,
      ],
    },
  ),
  requestCommand(
    'animate',
    '动画',
    local('Make a short video of a picture, or of words', '用图片或文字生成短视频'),
    local('/animate the fox turns its head', '/动画 狐狸转过头'),
    {
      aliases: ['视频'],
      options: [
        words('How it moves', '如何运动'),
        ...sourceOptions,
        options.duration,
        options.aspect,
        options.seed,
        options.private,
      ],
      textOption: 'prompt',
    },
  ),
  requestCommand(
    'storyboard',
    '分镜',
    local('Draw a list of shots, one picture each', '按分镜列表逐一绘制'),
    local('/storyboard a fox wakes; it crosses the snow; it finds the sea', '/分镜 狐狸醒来；它穿过雪地；它看见大海'),
    {
      aliases: ['故事板'],
      options: [
        textOption('shots', '镜头', local('One shot a line, or between semicolons', '每行一个镜头，或用分号隔开'), {
          maxLength: 6_000,
        }),
        fileOption('file', '文件', local('The shots as a text or JSON file', '镜头列表文件（文本或 JSON）')),
        words('Words that every shot shares', '所有镜头共用的描述'),
        options.aspect,
        options.style,
        options.model,
        options.seed,
        described(options.image, 'Who or what appears in every shot', '每个镜头中出现的人或物'),
        options.private,
      ],
      textOption: 'shots',
    },
  ),
  workflowCommand,
  answerCommand('queue', '队列', local('Show who waits and who is next', '查看排队情况'), local('/queue', '/队列'), {
    aliases: ['排队'],
  }),
  pagedCommand(
    'jobs',
    '任务',
    local('Your open and latest requests, with why they wait', '你进行中和最近的请求，以及等待原因'),
    { aliases: ['我的任务'] },
  ),
  answerCommand(
    'show',
    '查看',
    local('Show a request, also one from another platform', '查看某个请求，也可来自其他平台'),
    local('/show 1f6c2a9b', '/查看 1f6c2a9b'),
    { options: [required(options.job), options.picture], textOption: 'job' },
  ),
  answerCommand(
    'cancel',
    '取消',
    local('Cancel your latest request, or another of yours', '取消你最近的请求或指定的请求'),
    local('/cancel', '/取消'),
    {
      aliases: ['stop', '停止'],
      options: [
        options.job,
        switchOption('all', '全部', local('All of yours that have not ended', '取消你所有未完成的请求')),
      ],
      textOption: 'job',
    },
  ),
  answerCommand(
    'history',
    '历史',
    local('What you asked for, newest first', '你的历史记录，最新在前'),
    local('/history fox', '/历史 狐狸'),
    {
      options: [
        textOption('search', '搜索', local('Words that were in it', '其中包含的文字'), { maxLength: 100 }),
        options.page,
      ],
      textOption: 'search',
    },
  ),
  answerCommand(
    'gallery',
    '画廊',
    local("The team's pictures, or those you keep", '团队的图片，或你收藏的图片'),
    local('/gallery', '/画廊'),
    {
      options: [
        choiceOption(
          'of',
          '范围',
          local("Whose pictures: the team's, or your favourites", '谁的图片：团队的，或你的收藏'),
          [choice('team', "The team's", '团队'), choice('mine', 'My favourites', '我的收藏')],
        ),
        options.page,
      ],
      textOption: 'of',
    },
  ),
  pagedCommand('models', '模型', local('The models that can be used here', '可用的模型')),
  pagedCommand(
    'recipes',
    '配方',
    local('What can be made here, and why something cannot', '可用的配方，以及不可用的原因'),
  ),
  ...settingsCommands,
  ...browserCommands,
  answerCommand(
    'usage',
    '用量',
    local('What you used: pictures, GPU seconds, tokens, money', '你的用量：图片、GPU 秒数、词元、费用'),
    local('/usage', '/用量'),
    {
      options: [wholeOption('days', '天数', local('How many days back', '最近多少天'), { min: 1, max: 90 })],
      textOption: 'days',
    },
  ),
  answerCommand('help', '帮助', local('How to ask for pictures', '如何使用'), local('/help', '/帮助'), {
    aliases: ['start'],
    options: [textOption('command', '命令', local('About this command', '关于某个命令'), { maxLength: 40 })],
    textOption: 'command',
  }),
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

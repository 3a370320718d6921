import { commandNames, type CommandOption, type CommandSpec } from './command-spec.ts';
import { drawingOptions } from './drawing-options.ts';

const instance: CommandOption = {
  name: 'instance',
  zhName: '服务器',
  type: 'text',
  description: { en: 'Name of the ComfyUI; without it: all', zh: 'ComfyUI 名称；不填为全部' },
  maxLength: 100,
  suggest: 'instance',
};
const person: CommandOption = {
  name: 'person',
  zhName: '成员',
  type: 'person',
  description: { en: 'Who', zh: '谁' },
};
/** Whom a rule is about: one of these, or the place where it is said. */
const subjects: readonly CommandOption[] = [
  person,
  {
    name: 'role',
    zhName: '身份组',
    type: 'text',
    description: { en: 'Everybody with this role, by its id', zh: '拥有该身份组的人（身份组 ID）' },
    maxLength: 100,
  },
  {
    name: 'channel',
    zhName: '频道',
    type: 'channel',
    description: { en: 'This channel or group', zh: '该频道或群组' },
  },
  {
    name: 'here',
    zhName: '此处',
    type: 'text',
    description: { en: 'The channel or the server where you say this', zh: '当前频道或当前服务器' },
    choices: [
      { value: 'channel', label: { en: 'This channel', zh: '当前频道' } },
      { value: 'guild', label: { en: 'This server', zh: '当前服务器' } },
    ],
  },
  {
    name: 'command',
    zhName: '命令',
    type: 'text',
    description: { en: 'For this command alone', zh: '仅针对此命令' },
    choices: commandNames
      .filter((name) => name !== 'admin')
      .map((name) => ({ value: name, label: { en: name, zh: name } })),
  },
];

/** What operators do; each of these is written into the audit log. */
export const adminCommand: CommandSpec = {
  name: 'admin',
  zhName: '管理',
  aliases: [],
  description: { en: 'For operators: the queue, limits and who may do what', zh: '管理员：队列、限额和权限' },
  example: { en: '/admin pause', zh: '/管理 暂停' },
  options: [],
  subcommands: [
    {
      name: 'pause',
      zhName: '暂停',
      description: { en: 'No new job starts; what runs goes on', zh: '不再开始新任务；运行中的继续' },
      options: [instance],
      textOption: 'instance',
    },
    {
      name: 'resume',
      zhName: '恢复',
      description: { en: 'Jobs start again', zh: '恢复开始任务' },
      options: [instance],
      textOption: 'instance',
    },
    {
      name: 'priority',
      zhName: '优先级',
      description: { en: 'Put a request before the others, or behind them', zh: '调整请求的优先级' },
      options: [
        { ...drawingOptions.job, required: true },
        {
          name: 'level',
          zhName: '级别',
          type: 'whole',
          description: { en: 'Higher goes first; 0 is usual', zh: '越高越先；0 为普通' },
          required: true,
          min: -10,
          max: 10,
        },
      ],
      textOption: 'job',
    },
    {
      name: 'quota',
      zhName: '限额',
      description: {
        en: "A person's limits; 0 lifts one; without numbers: show them",
        zh: '成员的限额；0 为不限；不填则显示',
      },
      options: [
        { ...person, required: true },
        {
          name: 'gpu_seconds',
          zhName: '每日秒数',
          type: 'whole',
          description: { en: 'GPU seconds a day', zh: '每日 GPU 秒数' },
          min: 0,
          max: 86_400,
        },
        {
          name: 'images',
          zhName: '每日张数',
          type: 'whole',
          description: { en: 'Pictures a day', zh: '每日图片数' },
          min: 0,
          max: 100_000,
        },
        {
          name: 'pending',
          zhName: '待处理',
          type: 'whole',
          description: { en: 'Jobs that wait at a time', zh: '同时等待的任务数' },
          min: 0,
          max: 1_000,
        },
      ],
      textOption: 'person',
    },
    {
      name: 'allow',
      zhName: '允许',
      description: { en: 'Once somebody is allowed, only who is allowed may ask', zh: '一旦设置允许，仅被允许者可用' },
      options: subjects,
    },
    {
      name: 'deny',
      zhName: '禁止',
      description: { en: 'Refuse somebody, a role or a place', zh: '禁止某人、身份组或地点' },
      options: subjects,
    },
    {
      name: 'clear',
      zhName: '清除',
      description: { en: 'Take back what was allowed or denied', zh: '撤销允许或禁止' },
      options: subjects,
    },
    {
      name: 'limits',
      zhName: '限制',
      description: { en: 'Limits for everybody; without options: show them', zh: '全员限制；不填则显示' },
      options: [
        {
          name: 'rate',
          zhName: '频率',
          type: 'whole',
          description: { en: 'Requests a person may make in a minute', zh: '每人每分钟的请求数' },
          min: 1,
          max: 1_000,
        },
        {
          name: 'block',
          zhName: '屏蔽',
          type: 'text',
          description: { en: 'Words that are refused, between commas', zh: '屏蔽词，用逗号隔开' },
          maxLength: 2_000,
        },
        {
          name: 'unblock',
          zhName: '解除屏蔽',
          type: 'text',
          description: { en: 'Words that are no longer refused', zh: '解除屏蔽的词' },
          maxLength: 2_000,
        },
        {
          name: 'adult',
          zhName: '成人词',
          type: 'text',
          description: {
            en: 'All words that are only for channels for adults; "none" for none',
            zh: '仅限成人频道的词；“none”表示无',
          },
          maxLength: 2_000,
        },
      ],
    },
    {
      name: 'status',
      zhName: '状态',
      description: {
        en: 'GPUs, queue, rules, reports and what operators did last',
        zh: 'GPU、队列、规则、举报和最近的管理操作',
      },
      options: [],
    },
  ],
  makesRequest: false,
  adminOnly: true,
};

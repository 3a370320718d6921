import { MAX_PROMPT_CHARS } from '@atelier/shared/contracts/request';
import type { CommandSpec } from './command-spec.ts';
import { drawingOptions } from './drawing-options.ts';

/** What people and channels set for themselves. */
export const settingsCommands: readonly CommandSpec[] = [
  {
    name: 'settings',
    zhName: '设置',
    aliases: [],
    description: { en: 'Your settings, and those of the channel', zh: '你的设置和频道的设置' },
    example: { en: '/settings mine --language zh --aspect 3:4', zh: '/设置 我的 --语言 zh --比例 3:4' },
    options: [],
    subcommands: [
      {
        name: 'mine',
        zhName: '我的',
        description: {
          en: 'What holds for you wherever you ask; without options: show it',
          zh: '对你始终有效的设置；不填则显示',
        },
        options: [
          {
            name: 'language',
            zhName: '语言',
            type: 'text',
            description: { en: 'The language that you are answered in', zh: '回复使用的语言' },
            choices: [
              { value: 'en', label: { en: 'English', zh: 'English' } },
              { value: 'zh', label: { en: '中文', zh: '中文' } },
              { value: 'auto', label: { en: "As the platform's", zh: '跟随平台' } },
            ],
          },
          { ...drawingOptions.aspect, description: { en: 'Shape where you name none', zh: '未指定时的宽高比' } },
          {
            ...drawingOptions.count,
            description: { en: 'How many pictures where you say nothing', zh: '未指定时的图片数量' },
          },
          {
            ...drawingOptions.style,
            description: { en: 'Style where you name none; "none" for none', zh: '未指定时的风格；“none”表示不用' },
          },
          {
            ...drawingOptions.model,
            description: { en: 'Model where you name none; "none" for none', zh: '未指定时的模型；“none”表示不用' },
          },
          {
            ...drawingOptions.negative,
            description: { en: 'What you never want to see; "none" for nothing', zh: '从不想看到的内容；“none”表示无' },
          },
          {
            ...drawingOptions.private,
            description: { en: 'Results are yours alone unless you say otherwise', zh: '默认仅自己可见' },
          },
          {
            name: 'ping',
            zhName: '提醒',
            type: 'switch',
            description: { en: 'Be notified when a result is there', zh: '完成时提醒我' },
          },
        ],
      },
      {
        name: 'channel',
        zhName: '频道',
        description: { en: 'What holds in this channel; for those who manage it', zh: '本频道的设置；仅管理者可改' },
        options: [
          {
            name: 'language',
            zhName: '语言',
            type: 'text',
            description: { en: 'The language of what everybody reads here', zh: '公开内容使用的语言' },
            choices: [
              { value: 'en', label: { en: 'English', zh: 'English' } },
              { value: 'zh', label: { en: '中文', zh: '中文' } },
              { value: 'auto', label: { en: "The author's", zh: '跟随作者' } },
            ],
          },
          {
            ...drawingOptions.recipe,
            description: { en: 'Recipe where nobody names one; "none" for none', zh: '未指定时的配方；“none”表示不用' },
          },
          {
            ...drawingOptions.style,
            description: { en: 'Style where nobody names one; "none" for none', zh: '未指定时的风格；“none”表示不用' },
          },
          {
            name: 'adult',
            zhName: '成人内容',
            type: 'switch',
            description: { en: 'Pictures for adults are shown here without a cover', zh: '此处直接显示成人内容' },
          },
          {
            name: 'board',
            zhName: '看板',
            type: 'switch',
            description: { en: 'A message with the queue that keeps itself up to date', zh: '自动更新的队列消息' },
          },
          {
            name: 'role',
            zhName: '用途',
            type: 'text',
            description: { en: 'What this channel is for', zh: '此频道的用途' },
            choices: [
              {
                value: 'team',
                label: { en: "The team's channel: shared results go here", zh: '团队频道：分享的作品发到这里' },
              },
              {
                value: 'admin',
                label: { en: "The operators' channel: they are told here", zh: '管理频道：通知发到这里' },
              },
              { value: 'none', label: { en: 'A channel like others', zh: '普通频道' } },
            ],
          },
        ],
      },
    ],
    makesRequest: false,
  },
  {
    name: 'prefer',
    zhName: '偏好',
    aliases: ['快捷'],
    description: {
      en: 'Your own shortcuts and the house styles: a name for words and options',
      zh: '快捷方式和团队风格：用名称代表文字和选项',
    },
    example: {
      en: '/prefer set cine, cinematic light, 35 mm --ar 16:9',
      zh: '/偏好 保存 电影 电影感光线，35mm --比例 16:9',
    },
    options: [],
    subcommands: [
      {
        name: 'set',
        zhName: '保存',
        description: {
          en: 'Keep words and options under a name, for --style',
          zh: '以名称保存文字和选项，供 --风格 使用',
        },
        options: [
          {
            name: 'name',
            zhName: '名称',
            type: 'text',
            description: { en: 'What to call it', zh: '命名' },
            required: true,
            maxLength: 40,
          },
          {
            name: 'words',
            zhName: '内容',
            type: 'text',
            description: {
              en: 'Words behind the prompt, and options such as --ar 16:9',
              zh: '加在描述后的文字，以及 --比例 16:9 等选项',
            },
            required: true,
            maxLength: MAX_PROMPT_CHARS,
          },
          {
            name: 'house',
            zhName: '团队',
            type: 'switch',
            description: { en: 'For everybody; operators only', zh: '供所有人使用；仅限管理员' },
          },
        ],
        textOption: 'words',
      },
      {
        name: 'list',
        zhName: '列表',
        description: { en: 'Show them', zh: '查看列表' },
        options: [drawingOptions.page],
      },
      {
        name: 'delete',
        zhName: '删除',
        description: { en: 'Forget one', zh: '删除一个' },
        options: [
          {
            name: 'name',
            zhName: '名称',
            type: 'text',
            description: { en: 'Which one', zh: '哪一个' },
            required: true,
            maxLength: 40,
            suggest: 'style',
          },
          {
            name: 'house',
            zhName: '团队',
            type: 'switch',
            description: { en: 'A house style; operators only', zh: '团队风格；仅限管理员' },
          },
        ],
        textOption: 'name',
      },
    ],
    makesRequest: false,
  },
  {
    name: 'link',
    zhName: '关联',
    aliases: ['绑定'],
    description: { en: 'Be the same person on every platform', zh: '在各平台上使用同一身份' },
    example: {
      en: '/link, then /link ABCD-EFGH on the other platform',
      zh: '/关联，然后在另一平台发送 /关联 ABCD-EFGH',
    },
    options: [
      {
        name: 'code',
        zhName: '代码',
        type: 'text',
        description: { en: 'The code that the other platform gave you', zh: '另一平台给你的代码' },
        maxLength: 20,
      },
    ],
    textOption: 'code',
    makesRequest: false,
  },
];

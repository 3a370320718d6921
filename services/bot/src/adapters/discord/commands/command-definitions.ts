import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  InteractionContextType,
  type RESTPostAPIChatInputApplicationCommandsJSONBody,
} from 'discord.js';
import { MAX_COUNT, MAX_PROMPT_CHARS } from '@atelier/shared/contracts/request';

/** For both of Discord's Chinese locales. */
function chinese(text: string) {
  return { 'zh-CN': text, 'zh-TW': text };
}

/** What holds for each of our commands: in servers and in direct messages. */
const common = {
  type: ApplicationCommandType.ChatInput,
  integration_types: [ApplicationIntegrationType.GuildInstall],
  contexts: [InteractionContextType.Guild, InteractionContextType.BotDM],
} satisfies Partial<RESTPostAPIChatInputApplicationCommandsJSONBody>;

const aspects = [
  { value: '1:1', en: 'Square 1:1', zh: '方形 1:1' },
  { value: '3:4', en: 'Portrait 3:4', zh: '竖版 3:4' },
  { value: '2:3', en: 'Portrait 2:3', zh: '竖版 2:3' },
  { value: '9:16', en: 'Tall 9:16', zh: '长竖 9:16' },
  { value: '4:3', en: 'Landscape 4:3', zh: '横版 4:3' },
  { value: '3:2', en: 'Landscape 3:2', zh: '横版 3:2' },
  { value: '16:9', en: 'Wide 16:9', zh: '宽屏 16:9' },
] as const;

/**
 * The commands as Discord knows them, with what Chinese readers see instead. Interactions always carry the English names.
 */
export const commandDefinitions: readonly RESTPostAPIChatInputApplicationCommandsJSONBody[] = [
  {
    ...common,
    name: 'imagine',
    name_localizations: chinese('画图'),
    description: 'Draw a picture from words',
    description_localizations: chinese('用文字生成图片'),
    options: [
      {
        type: ApplicationCommandOptionType.String,
        name: 'prompt',
        name_localizations: chinese('描述'),
        description: 'What you want to see',
        description_localizations: chinese('你想看到的画面'),
        required: true,
        max_length: MAX_PROMPT_CHARS,
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'aspect',
        name_localizations: chinese('比例'),
        description: 'Shape of the picture, width to height',
        description_localizations: chinese('画面的宽高比'),
        choices: aspects.map(({ value, en, zh }) => ({ name: en, name_localizations: chinese(zh), value })),
      },
      {
        type: ApplicationCommandOptionType.Integer,
        name: 'count',
        name_localizations: chinese('数量'),
        description: 'How many pictures',
        description_localizations: chinese('生成几张图片'),
        min_value: 1,
        max_value: MAX_COUNT,
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'seed',
        name_localizations: chinese('种子'),
        description: 'A whole number; the same seed draws the same picture again',
        description_localizations: chinese('整数；相同的种子会得到相同的图片'),
        max_length: 20,
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'negative',
        name_localizations: chinese('不要'),
        description: 'What must not be in the picture',
        description_localizations: chinese('不想出现在画面中的内容'),
        max_length: MAX_PROMPT_CHARS,
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'model',
        name_localizations: chinese('模型'),
        description: 'Name of the model; without it the best one is chosen',
        description_localizations: chinese('模型名称；不填则自动选择'),
        max_length: 200,
      },
    ],
  },
  {
    ...common,
    name: 'queue',
    name_localizations: chinese('队列'),
    description: 'Show who waits and who is next',
    description_localizations: chinese('查看排队情况'),
  },
  {
    ...common,
    name: 'cancel',
    name_localizations: chinese('取消'),
    description: 'Cancel your latest request',
    description_localizations: chinese('取消你最近的请求'),
  },
  {
    ...common,
    name: 'help',
    name_localizations: chinese('帮助'),
    description: 'How to ask for pictures',
    description_localizations: chinese('如何使用'),
  },
];

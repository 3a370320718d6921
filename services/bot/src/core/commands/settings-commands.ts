import { MAX_PROMPT_CHARS } from '@atelier/shared/contracts/request';
import {
  answerCommand,
  choice,
  choiceOption,
  described,
  local,
  subcommand,
  switchOption,
  textOption,
} from './command-builders.ts';
import type { CommandOption, CommandSpec, LocalText } from './command-spec.ts';
import { drawingOptions } from './drawing-options.ts';

/** @param otherwise where no language is chosen. */
const language = (description: LocalText, otherwise: LocalText): CommandOption =>
  choiceOption('language', '语言', description, [
    choice('en', 'English', 'English'),
    choice('zh', '中文', '中文'),
    choice('auto', otherwise.en, otherwise.zh),
  ]);
const styleName = (en: string, zh: string): CommandOption =>
  textOption('name', '名称', local(en, zh), { required: true, maxLength: 40 });
const house = (en: string, zh: string): CommandOption => switchOption('house', '团队', local(en, zh));

const settingsCommand = answerCommand(
  'settings',
  '设置',
  local('Your settings, and those of the channel', '你的设置和频道的设置'),
  local('/settings mine --language zh --aspect 3:4', '/设置 我的 --语言 zh --比例 3:4'),
  {
    subcommands: [
      subcommand(
        'mine',
        '我的',
        local('What holds for you wherever you ask; without options: show it', '对你始终有效的设置；不填则显示'),
        [
          language(
            local('The language that you are answered in', '回复使用的语言'),
            local("As the platform's", '跟随平台'),
          ),
          described(drawingOptions.aspect, 'Shape where you name none', '未指定时的宽高比'),
          described(drawingOptions.count, 'How many pictures where you say nothing', '未指定时的图片数量'),
          described(
            drawingOptions.style,
            'Style where you name none; "none" for none',
            '未指定时的风格；“none”表示不用',
          ),
          described(
            drawingOptions.model,
            'Model where you name none; "none" for none',
            '未指定时的模型；“none”表示不用',
          ),
          described(
            drawingOptions.negative,
            'What you never want to see; "none" for nothing',
            '从不想看到的内容；“none”表示无',
          ),
          described(drawingOptions.private, 'Results are yours alone unless you say otherwise', '默认仅自己可见'),
          switchOption(
            'ping',
            '提醒',
            local('Be notified when a result is there, or an answer is needed', '完成或需要你回答时提醒我'),
          ),
        ],
      ),
      subcommand(
        'channel',
        '频道',
        local('What holds in this channel; for those who manage it', '本频道的设置；仅管理者可改'),
        [
          language(
            local('The language of what everybody reads here', '公开内容使用的语言'),
            local("The author's", '跟随作者'),
          ),
          described(
            drawingOptions.recipe,
            'Recipe where nobody names one; "none" for none',
            '未指定时的配方；“none”表示不用',
          ),
          described(
            drawingOptions.style,
            'Style where nobody names one; "none" for none',
            '未指定时的风格；“none”表示不用',
          ),
          switchOption(
            'adult',
            '成人内容',
            local('Pictures for adults are shown here without a cover', '此处直接显示成人内容'),
          ),
          switchOption(
            'board',
            '看板',
            local('A message with the queue that keeps itself up to date', '自动更新的队列消息'),
          ),
          choiceOption('role', '用途', local('What this channel is for', '此频道的用途'), [
            choice('team', "The team's channel: shared results go here", '团队频道：分享的作品发到这里'),
            choice('admin', "The operators' channel: they are told here", '管理频道：通知发到这里'),
            choice('none', 'A channel like others', '普通频道'),
          ]),
        ],
      ),
    ],
  },
);

const preferCommand = answerCommand(
  'prefer',
  '偏好',
  local(
    'Your own shortcuts and the house styles: a name for words and options',
    '快捷方式和团队风格：用名称代表文字和选项',
  ),
  local('/prefer set cine, cinematic light, 35 mm --ar 16:9', '/偏好 保存 电影 电影感光线，35mm --比例 16:9'),
  {
    aliases: ['快捷'],
    subcommands: [
      subcommand(
        'set',
        '保存',
        local('Keep words and options under a name, for --style', '以名称保存文字和选项，供 --风格 使用'),
        [
          styleName('What to call it', '命名'),
          textOption(
            'words',
            '内容',
            local(
              'Words behind the prompt, and options such as --ar 16:9',
              '加在描述后的文字，以及 --比例 16:9 等选项',
            ),
            { required: true, maxLength: MAX_PROMPT_CHARS },
          ),
          house('For everybody; operators only', '供所有人使用；仅限管理员'),
        ],
        'words',
      ),
      subcommand('list', '列表', local('Show them', '查看列表'), [drawingOptions.page]),
      subcommand(
        'delete',
        '删除',
        local('Forget one', '删除一个'),
        [
          { ...styleName('Which one', '哪一个'), suggest: 'style' },
          house('A house style; operators only', '团队风格；仅限管理员'),
        ],
        'name',
      ),
    ],
  },
);

const linkCommand = answerCommand(
  'link',
  '关联',
  local('Be the same person on every platform', '在各平台上使用同一身份'),
  local('/link, then /link ABCD-EFGH on the other platform', '/关联，然后在另一平台发送 /关联 ABCD-EFGH'),
  {
    aliases: ['绑定'],
    options: [
      textOption('code', '代码', local('The code that the other platform gave you', '另一平台给你的代码'), {
        maxLength: 20,
      }),
    ],
    textOption: 'code',
  },
);

/** What people and channels set for themselves. */
export const settingsCommands: readonly CommandSpec[] = [settingsCommand, preferCommand, linkCommand];

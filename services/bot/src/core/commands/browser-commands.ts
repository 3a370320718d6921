import { answerCommand, local, subcommand, switchOption, textOption, wholeOption } from './command-builders.ts';
import type { CommandSpec } from './command-spec.ts';
import { drawingOptions } from './drawing-options.ts';

const signInCommand = answerCommand(
  'signin',
  '登录',
  local('A link that signs your browser in as you, once', '获取登录链接，让浏览器以你的身份登录（一次有效）'),
  local('/signin', '/登录'),
  { aliases: ['login', '网页'] },
);

const tokenCommand = answerCommand(
  'token',
  '令牌',
  local('Tokens for programs that ask in your name', '供程序以你的身份调用的令牌'),
  local('/token create ci --scopes read,submit --days 30', '/令牌 创建 ci --权限 read,submit --天数 30'),
  {
    aliases: ['tokens'],
    subcommands: [
      subcommand(
        'create',
        '创建',
        local('Make a token; it is shown once, to you alone', '创建令牌；仅向你显示一次'),
        [
          textOption('name', '名称', local('What it is for, such as ci', '用途，例如 ci'), {
            required: true,
            maxLength: 60,
          }),
          textOption(
            'scopes',
            '权限',
            local('What it may do; without it: read, submit, webhooks', '可做什么；不填为 read, submit, webhooks'),
            { maxLength: 100, suggest: 'scopes' },
          ),
          wholeOption(
            'days',
            '天数',
            local('How many days it works; without it: 90; 0: for good', '有效天数；不填为 90；0 为永久'),
            { min: 0, max: 3_650 },
          ),
        ],
        'name',
      ),
      subcommand('list', '列表', local('Your tokens, with their last use', '你的令牌及最近使用时间'), [
        drawingOptions.page,
        switchOption('everybody', '所有人', local("Everybody's; operators only", '所有人的；仅限管理员')),
      ]),
      subcommand(
        'revoke',
        '撤销',
        local('End a token at once', '立即作废令牌'),
        [
          textOption('token', '令牌', local('Which one: its name, or its number from the list', '名称或列表中的编号'), {
            required: true,
            maxLength: 60,
            suggest: 'token',
          }),
        ],
        'token',
      ),
    ],
  },
);

/** What chats give to browsers and programs. */
export const browserCommands: readonly CommandSpec[] = [signInCommand, tokenCommand];

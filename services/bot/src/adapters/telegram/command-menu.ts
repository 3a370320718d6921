import type { CommandMenu } from './api/telegram-calls.ts';

/** What people see behind the slash: for everybody, and for who uses Telegram in Chinese. */
export const commandMenus: readonly CommandMenu[] = [
  {
    language: undefined,
    commands: [
      { command: 'imagine', description: 'Draw a picture from words' },
      { command: 'queue', description: 'Show who waits and who is next' },
      { command: 'cancel', description: 'Cancel your latest request' },
      { command: 'help', description: 'How to ask for pictures' },
    ],
  },
  {
    language: 'zh',
    commands: [
      { command: 'imagine', description: '用文字生成图片' },
      { command: 'queue', description: '查看排队情况' },
      { command: 'cancel', description: '取消你最近的请求' },
      { command: 'help', description: '如何使用' },
    ],
  },
];

import type { Language } from '@atelier/shared/contracts/identity';
import type { Unreadable } from './updates/read-update.ts';

/** What only Telegram has to say. */
export interface TelegramWords {
  back: string;
  changed: string;
  again: string;
  notYours: string;
  privateAnswer: string;
  /** In a group, where a private answer cannot be given: the person never opened a chat with the bot. */
  openPrivateChat: (botName: string) => string;
  openBot: string;
  /** In a private chat, where the group no longer takes it. */
  placeClosed: string;
  present: string;
  tooLargeFiles: (count: number) => string;
  /** What to send instead. */
  unreadable: Record<Unreadable, string>;
}

const words: Record<Language, TelegramWords> = {
  en: {
    back: 'Back',
    changed: 'You changed your message. Draw it again as it reads now?',
    again: 'Draw it again',
    notYours: 'Only who wrote the message can do this.',
    privateAnswer: 'Your answer comes in our private chat.',
    openPrivateChat: (botName) =>
      `I cannot write to you yet: open a chat with @${botName}, press Start, and ask for it again with /jobs.`,
    openBot: 'Open the chat',
    placeClosed: 'The chat where you asked for this no longer takes my messages, so here it is:',
    present: 'At present',
    tooLargeFiles: (count) =>
      count === 1
        ? 'One file is larger than Telegram takes; it is on the web page, in your history.'
        : `${count} files are larger than Telegram takes; they are on the web page, in your history.`,
    unreadable: {
      voice: 'I cannot listen yet. Write what you want to see, such as: a red fox in snow',
      video: 'I cannot watch videos yet. Send a picture, or write what you want to see, such as: a red fox in snow',
      sticker: 'Nice one! I cannot draw from stickers: send it as a picture, or write, such as: a red fox in snow',
    },
  },
  zh: {
    back: '返回',
    changed: '你修改了消息。要按现在的内容重新绘制吗？',
    again: '重新绘制',
    notYours: '只有消息的作者可以这样做。',
    privateAnswer: '结果会发到我们的私聊中。',
    openPrivateChat: (botName) => `我还不能给你发私信：请打开与 @${botName} 的聊天并点击“开始”，然后用 /jobs 查看。`,
    openBot: '打开聊天',
    placeClosed: '你提出请求的聊天已不接收我的消息，结果发在这里：',
    present: '当前内容',
    tooLargeFiles: (count) => `有 ${count} 个文件超过 Telegram 的大小限制，可在网页的历史记录中查看。`,
    unreadable: {
      voice: '我还听不懂语音。请用文字写下想看的画面，例如：雪地里的红狐狸',
      video: '我还看不了视频。请发送图片，或写下想看的画面，例如：雪地里的红狐狸',
      sticker: '真可爱！但我无法根据贴纸绘图：请以图片形式发送，或写下想看的画面，例如：雪地里的红狐狸',
    },
  },
};

export function telegramWords(language: Language): TelegramWords {
  return words[language];
}

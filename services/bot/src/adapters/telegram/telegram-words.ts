import type { Language } from '@atelier/shared/contracts/identity';

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
  },
};

export function telegramWords(language: Language): TelegramWords {
  return words[language];
}

import { chatZh } from './chat-zh.ts';
import { durationWords } from './duration-words.ts';
import type { Messages, Range } from './messages.ts';

const duration = (range: Range): string => durationWords(range, { seconds: '秒', minutes: '分钟', hours: '小时' });

export const zh: Messages = {
  states: {
    accepted: '已接受',
    planning: '规划中',
    asking: '等待你的回答',
    queued: '排队中',
    starting: '即将开始',
    running: '绘制中',
    finishing: '即将完成',
    cancelling: '正在取消',
    succeeded: (pictures) => (pictures === 1 ? '已完成' : `已完成，共 ${pictures} 张`),
    partly: (pictures, asked) => `已完成 ${pictures} 张（共 ${asked} 张）`,
    replied: '已回复',
    failed: '未能完成',
    cancelled: '已取消',
  },
  chat: chatZh,
  queue: {
    title: '队列',
    empty: '目前无人排队，新的请求会立即开始。',
    summary: (waiting, running) =>
      [running > 0 ? `${running} 个进行中` : '', waiting > 0 ? `${waiting} 个等待` : '']
        .filter((part) => part !== '')
        .join('，'),
    held: (pausedGpus, foreignPrompts) =>
      [
        pausedGpus > 0 ? `${pausedGpus} 块显卡已暂停` : '',
        foreignPrompts > 0 ? `另有 ${foreignPrompts} 个直接提交给 ComfyUI 的任务，已计入预估` : '',
      ]
        .filter((part) => part !== '')
        .join('，'),
    next: '下一个',
    position: (position) => `排在第 ${position} 位`,
    startsIn: (seconds) => (seconds.high < 1 ? '马上开始' : `约 ${duration(seconds)}后开始`),
    endsIn: (seconds) => (seconds.high < 1 ? '即将完成' : `约 ${duration(seconds)}后完成`),
    noEstimate: 'GPU 恢复后开始',
    running: '绘制中',
    you: '你',
    more: (count) => `还有 ${count} 个`,
    planning: '规划中',
  },
  progress: {
    nodes: {
      loading: '加载模型',
      text: '理解提示词',
      sampling: '绘制中',
      decoding: '生成图像',
      upscaling: '放大中',
      saving: '保存中',
    },
    working: '处理中',
    step: (step, steps) => `第 ${step}/${steps} 步`,
    picture: (index, count) => `第 ${index}/${count} 张`,
  },
  details: {
    pictures: (count) => `${count} 张`,
    seed: (seed) => `种子 ${seed}`,
    steps: (steps) => `${steps} 步`,
    negative: (text) => `不要：${text}`,
  },
  alt: (index, count, prompt) => (count === 1 ? `图片：${prompt}` : `第 ${index} 张，共 ${count} 张：${prompt}`),
  again: '再来一次',
  describe: '描述这张图片',
  fallbackError: '未能完成。请重试；若反复出现，请联系管理员。',
  notices: {
    comfyuiAway: 'ComfyUI 暂时不可用。你的请求已保留，恢复后会自动开始。',
    noWorker: '目前没有可用的 GPU。你的请求已保留，恢复后会自动开始。',
    paused: '队列已被管理员暂停。你的请求已保留。',
    natsAway: '实时更新中断。仍可提交请求，结果会晚几秒显示。',
    databaseAway: '服务器暂时无法接受请求。已接受的请求会保留，你输入的文字也不会丢失。',
    starting: '服务器正在启动。',
    discordRefused: 'Discord 拒绝了机器人：请管理员更新 DISCORD_TOKEN。本页面仍可使用。',
    telegramRefused: 'Telegram 拒绝了机器人：请管理员更新 TELEGRAM_TOKEN。本页面仍可使用。',
  },
  replies: {
    help: [
      '直接说你想看到什么，例如：雪地里的红狐狸，竖图，两张',
      '或者精确设置：/imagine 雪地里的红狐狸 --ar 3:4 --n 2 --seed 7 --no 文字, 水印',
      '/queue 查看队列，/cancel 取消你最近的请求。',
    ].join('\n'),
    nothingToCancel: '没有可以取消的请求。',
    cancelling: '正在取消你最近的请求。',
    alreadyFinished: '该请求已经结束。',
    reencoded: '原文件过大，无法在此附加：这里是其 WebP 版本。',
  },
};

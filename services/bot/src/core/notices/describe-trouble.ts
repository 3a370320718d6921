import type { Trouble } from '@atelier/shared/db/chat/notice-sources';
import type { LocalText } from '../commands/command-spec.ts';

/** What operators are told of a trouble, in a sentence that says what to do. */
export function describeTrouble({ kind, about, detail }: Pick<Trouble, 'kind' | 'about' | 'detail'>): LocalText {
  switch (kind) {
    case 'worker_gone':
      return {
        en: `⚠️ The worker of ${about} is gone for a minute. Its work is kept: look at that machine, and start the worker again.`,
        zh: `⚠️ ${about} 的工作进程已离线一分钟。任务会保留：请检查该机器并重新启动工作进程。`,
      };
    case 'quarantined':
      return {
        en: `⚠️ A job of request ${about} was put aside because ComfyUI died while it ran, twice. ${detail ?? ''} Look at its workflow before anybody runs it again.`,
        zh: `⚠️ 请求 ${about} 的任务已被隔离：ComfyUI 两次在运行它时崩溃。再次运行前请检查其工作流。`,
      };
    case 'disk_full':
      return {
        en: `⚠️ The disk for pictures is nearly full: ${about} left. Free some space, or keep history for fewer days (ATELIER_KEEP_DAYS).`,
        zh: `⚠️ 存放图片的磁盘即将用尽：剩余 ${about}。请清理空间，或缩短历史保留天数（ATELIER_KEEP_DAYS）。`,
      };
    case 'budget_spent':
      return {
        en: `⚠️ Today's budget of ${about === '' ? 'everybody' : about} for the language model is spent. Commands such as /imagine go on; raise the budget, or wait until tomorrow (UTC).`,
        zh: `⚠️ ${about === '' ? '全员' : about}今日的语言模型预算已用完。/画图 等命令仍可使用；可提高预算，或等到明天（UTC）。`,
      };
    default:
      return {
        en: `🚩 Request ${about} was reported: “${detail ?? ''}”. /show ${about} shows it.`,
        zh: `🚩 请求 ${about} 被举报：“${detail ?? ''}”。用 /查看 ${about} 查看。`,
      };
  }
}

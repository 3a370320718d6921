import type { PolicyReason } from '@atelier/comfyui/policy/policy';
import type { JobError } from '@atelier/shared/contracts/job';

const MAX_REASONS = 5;

/** Ends that are not ComfyUI's own words. */
export const jobErrors = {
  timeLimit: (seconds: number): JobError => ({
    code: 'time_limit',
    message: {
      en: `This ran longer than the limit of ${seconds} s and was stopped. Ask for fewer steps, a smaller size or fewer pictures.`,
      zh: `运行超过 ${seconds} 秒的时限，已停止。请减少步数、尺寸或张数。`,
    },
  }),
  stalled: (): JobError => ({
    code: 'stalled',
    message: {
      en: 'ComfyUI stopped making progress on this and was interrupted. Retry; tell the operator if it repeats.',
      zh: 'ComfyUI 在此任务上停止响应，已中断。请重试；若反复出现，请联系管理员。',
    },
  }),
  attemptsUsed: (attempts: number): JobError => ({
    code: 'lost',
    message: {
      en: `ComfyUI lost this ${attempts} times, so it was given up. Retry later.`,
      zh: `ComfyUI 已 ${attempts} 次丢失此任务，现已放弃。请稍后重试。`,
    },
  }),
  quarantined: (): JobError => ({
    code: 'quarantined',
    message: {
      en: 'This took ComfyUI down twice, so it is not run again. Try another model or a smaller size.',
      zh: '此任务两次导致 ComfyUI 崩溃，将不再运行。请换一个模型或减小尺寸。',
    },
  }),
  postFailed: (status: number): JobError => ({
    code: 'workflow_refused',
    message: {
      en: 'ComfyUI fell over while it checked this workflow, so it is not tried again. Choose another model or recipe, and tell the operator.',
      zh: 'ComfyUI 在检查此工作流时出错，不再重试。请换一个模型或配方，并告知管理员。',
    },
    details: `POST /prompt answered HTTP ${status}`,
  }),
  /** @param reasons of the policy, each with what to do; at least one. */
  notAllowed: (reasons: readonly PolicyReason[]): JobError => ({
    code: 'workflow_not_allowed',
    message: {
      en: `This server does not allow this workflow. ${reasons[0]?.message ?? ''} Change it, or ask an operator to open it.`,
      zh: `此服务器不允许运行该工作流（${reasons[0]?.message ?? ''}）。请修改工作流，或请管理员开放。`,
    },
    ...(reasons[0]?.nodeId === undefined ? {} : { nodeId: reasons[0].nodeId }),
    details: reasons
      .slice(0, MAX_REASONS)
      .map(({ message }) => message)
      .join('\n'),
  }),
  nothingMade: (): JobError => ({
    code: 'no_output',
    message: {
      en: 'The workflow ran and put out no file. Add a save node to it, or use another recipe.',
      zh: '工作流已运行，但没有输出文件。请添加保存节点，或使用其他配方。',
    },
  }),
  unreadable: (): JobError => ({
    code: 'unreadable',
    message: {
      en: 'Another version of Atelier stored this, and this one cannot read it. Ask again; tell the operator to run one version of all services.',
      zh: '此任务由另一版本的 Atelier 保存，当前版本无法读取。请重新提交，并告知管理员将所有服务统一为同一版本。',
    },
  }),
  inputMissing: (): JobError => ({
    code: 'input_missing',
    message: {
      en: 'An input picture is no longer stored. Send it again.',
      zh: '输入图片已不在存储中。请重新发送。',
    },
  }),
  outputMissing: (): JobError => ({
    code: 'output_missing',
    message: {
      en: 'ComfyUI no longer has the finished file. Retry.',
      zh: 'ComfyUI 中已找不到生成的文件。请重试。',
    },
  }),
  internal: (): JobError => ({
    code: 'internal',
    message: {
      en: 'The worker met an error of its own on this; it was logged. Retry, and tell the operator if it repeats.',
      zh: '工作进程内部出错，已记录。请重试；若反复出现，请联系管理员。',
    },
  }),
  outputTooLarge: (): JobError => ({
    code: 'output_too_large',
    message: {
      en: 'The finished file is larger than what is stored here. Ask for a smaller size or a shorter video.',
      zh: '生成的文件超过允许的大小。请减小尺寸或缩短视频。',
    },
  }),
  storeAway: (): JobError => ({
    code: 'store_away',
    message: {
      en: 'It was made, and there was no room to store it for a long time. Tell the operator, then ask again.',
      zh: '已生成，但存储空间长时间不可用。请联系管理员后重试。',
    },
  }),
};

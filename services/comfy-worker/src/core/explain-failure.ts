import { isOutOfMemory, type ExecutionFailure } from '@atelier/comfyui/client/finished-prompt';
import type { PostedPrompt } from '@atelier/comfyui/client/post-answer';
import type { JobError } from '@atelier/shared/contracts/job';

const maxDetailChars = 2_000;

interface Cause {
  code: string;
  test: RegExp;
  en: string;
  zh: string;
}

/** What ComfyUI's exceptions mean to a person, the most telling first. Matched against type and message. */
const causes: Cause[] = [
  {
    code: 'model_broken',
    test: /safetensor|header too large|PytorchStreamReader|unpickl|invalid magic number/i,
    en: 'A model file on the server is damaged or incomplete. Choose another model, or tell the operator.',
    zh: '服务器上的模型文件已损坏或不完整。请换一个模型，或联系管理员。',
  },
  {
    code: 'model_missing',
    test: /FileNotFoundError|No such file|not found in|Model in folder/i,
    en: 'A file that this needs is not on the server. Choose another model, or tell the operator.',
    zh: '服务器上缺少所需的文件。请换一个模型，或联系管理员。',
  },
  {
    code: 'size_mismatch',
    test: /mat1 and mat2|size of tensor|shapes? cannot be|expected input|dimension|Given groups/i,
    en: 'Two parts of this workflow do not fit together, usually a LoRA, ControlNet or VAE of another model family. Choose parts of one family.',
    zh: '工作流中的部件不匹配，通常是 LoRA、ControlNet 或 VAE 属于另一模型系列。请选择同一系列的部件。',
  },
  {
    code: 'input_broken',
    test: /UnidentifiedImageError|cannot identify image|Truncated File|invalid image/i,
    en: 'The input picture could not be read. Send it again as PNG or JPEG.',
    zh: '无法读取输入图片。请以 PNG 或 JPEG 格式重新发送。',
  },
];

/** A failed run as a person can read it: the cause, and what to do. */
export function explainFailure(failure: ExecutionFailure): JobError {
  const text = `${failure.exceptionType}: ${failure.exceptionMessage}`;
  const details = {
    ...(failure.nodeId === undefined ? {} : { nodeId: failure.nodeId }),
    ...(failure.nodeType === undefined ? {} : { classType: failure.nodeType }),
    details: text.slice(0, maxDetailChars),
  };
  if (isOutOfMemory(failure)) {
    return {
      code: 'out_of_memory',
      message: {
        en: 'The GPU ran out of memory, twice. Ask for a smaller size or fewer pictures.',
        zh: '显存两次不足。请减小尺寸或减少张数后重试。',
      },
      ...details,
    };
  }
  const cause = causes.find((candidate) => candidate.test.test(text));
  if (cause !== undefined) return { code: cause.code, message: { en: cause.en, zh: cause.zh }, ...details };
  const node = failure.nodeType ?? failure.nodeId ?? 'a node';
  return {
    code: 'execution_failed',
    message: {
      en: `ComfyUI failed in ${node}. Retry, or try another model or recipe.`,
      zh: `ComfyUI 在 ${node} 处出错。请重试，或换一个模型或配方。`,
    },
    ...details,
  };
}

/** A workflow that ComfyUI refused to queue: never tried again. */
export function explainRefusal(refused: Extract<PostedPrompt, { state: 'refused' }>): JobError {
  const [first] = Object.entries(refused.nodeErrors);
  const nodeError = first?.[1].errors[0];
  const details = [
    refused.error.type,
    refused.error.message,
    refused.error.details,
    nodeError?.type,
    nodeError?.details,
  ].filter((part) => part !== undefined && part !== '');
  const where = first === undefined ? '' : ` (${first[1].classType})`;
  return {
    code: 'workflow_refused',
    message: {
      en: `ComfyUI does not accept this workflow${where}. Choose another model or recipe, or change the value that it names in the details.`,
      zh: `ComfyUI 不接受此工作流${where}。请换一个模型或配方，或修改详情中指出的值。`,
    },
    ...(first === undefined ? {} : { nodeId: first[0], classType: first[1].classType }),
    details: details.join(' · ').slice(0, maxDetailChars),
  };
}

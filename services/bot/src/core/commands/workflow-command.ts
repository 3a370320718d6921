import {
  answerCommand,
  described,
  fileOption,
  local,
  optional,
  required,
  subcommand,
  switchOption,
  textOption,
} from './command-builders.ts';
import { drawingOptions } from './drawing-options.ts';

const saved = textOption('name', '名称', local('Name of the saved workflow', '已保存的工作流名称'), {
  required: true,
  maxLength: 60,
  suggest: 'workflow',
});
const parameters = textOption(
  'set',
  '参数',
  local('Values of its parameters, such as steps=30; prompt=a fox', '参数值，例如 steps=30；prompt=狐狸'),
  { maxLength: 4_000 },
);
const file = fileOption(
  'file',
  '文件',
  local('A workflow as JSON, or a picture that ComfyUI saved', '工作流 JSON，或 ComfyUI 保存的图片'),
);

/** Workflows that people bring along. */
export const workflowCommand = answerCommand(
  'workflow',
  '工作流',
  local('Run, keep and share ComfyUI workflows', '运行、保存和分享 ComfyUI 工作流'),
  local('/workflow run portrait --set steps=30', '/工作流 运行 portrait --参数 steps=30'),
  {
    aliases: ['wf'],
    subcommands: [
      subcommand(
        'run',
        '运行',
        local('Run a saved workflow, or a file', '运行已保存的工作流或文件'),
        [optional(saved), file, parameters, drawingOptions.image, drawingOptions.private],
        'name',
      ),
      subcommand(
        'add',
        '添加',
        local('Keep a workflow under a name', '以名称保存工作流'),
        [
          described(saved, 'What to call it', '命名'),
          file,
          described(drawingOptions.job, 'Or the workflow of an earlier result', '或之前作品的工作流'),
        ],
        'name',
      ),
      subcommand('list', '列表', local('The workflows that you can run', '可运行的工作流'), [drawingOptions.page]),
      subcommand(
        'share',
        '分享',
        local('Let everybody run one of yours, or no longer', '让所有人使用你的工作流，或取消分享'),
        [saved, switchOption('on', '开启', local('Off: only you run it again', '关闭：仅你可用'))],
        'name',
      ),
      subcommand(
        'set',
        '设置',
        local('Change what its parameters are when nobody names them', '修改参数的默认值'),
        [saved, required(parameters)],
        'name',
      ),
      subcommand('delete', '删除', local('Forget one of your workflows', '删除你的工作流'), [saved], 'name'),
      subcommand(
        'open',
        '打开',
        local('Get it as a file for ComfyUI', '获取可在 ComfyUI 中打开的文件'),
        [optional(saved), drawingOptions.job],
        'name',
      ),
    ],
  },
);

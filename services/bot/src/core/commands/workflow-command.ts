import type { CommandOption, CommandSpec } from './command-spec.ts';
import { drawingOptions } from './drawing-options.ts';

const saved: CommandOption = {
  name: 'name',
  zhName: '名称',
  type: 'text',
  description: { en: 'Name of the saved workflow', zh: '已保存的工作流名称' },
  required: true,
  maxLength: 60,
  suggest: 'workflow',
};
const parameters: CommandOption = {
  name: 'set',
  zhName: '参数',
  type: 'text',
  description: {
    en: 'Values of its parameters, such as steps=30; prompt=a fox',
    zh: '参数值，例如 steps=30；prompt=狐狸',
  },
  maxLength: 4_000,
};

/** Workflows that people bring along. */
export const workflowCommand: CommandSpec = {
  name: 'workflow',
  zhName: '工作流',
  aliases: ['wf'],
  description: { en: 'Run, keep and share ComfyUI workflows', zh: '运行、保存和分享 ComfyUI 工作流' },
  example: { en: '/workflow run portrait --set steps=30', zh: '/工作流 运行 portrait --参数 steps=30' },
  options: [],
  subcommands: [
    {
      name: 'run',
      zhName: '运行',
      description: { en: 'Run a saved workflow, or a file', zh: '运行已保存的工作流或文件' },
      options: [
        { ...withoutRequired(saved) },
        {
          name: 'file',
          zhName: '文件',
          type: 'file',
          description: {
            en: 'A workflow as JSON, or a picture that ComfyUI saved',
            zh: '工作流 JSON，或 ComfyUI 保存的图片',
          },
        },
        parameters,
        drawingOptions.image,
        drawingOptions.private,
      ],
      textOption: 'name',
    },
    {
      name: 'add',
      zhName: '添加',
      description: { en: 'Keep a workflow under a name', zh: '以名称保存工作流' },
      options: [
        { ...saved, description: { en: 'What to call it', zh: '命名' } },
        {
          name: 'file',
          zhName: '文件',
          type: 'file',
          description: {
            en: 'A workflow as JSON, or a picture that ComfyUI saved',
            zh: '工作流 JSON，或 ComfyUI 保存的图片',
          },
        },
        {
          ...drawingOptions.job,
          description: { en: 'Or the workflow of an earlier result', zh: '或之前作品的工作流' },
        },
      ],
      textOption: 'name',
    },
    {
      name: 'list',
      zhName: '列表',
      description: { en: 'The workflows that you can run', zh: '可运行的工作流' },
      options: [drawingOptions.page],
    },
    {
      name: 'share',
      zhName: '分享',
      description: { en: 'Let everybody run one of yours, or no longer', zh: '让所有人使用你的工作流，或取消分享' },
      options: [
        saved,
        {
          name: 'on',
          zhName: '开启',
          type: 'switch',
          description: { en: 'Off: only you run it again', zh: '关闭：仅你可用' },
        },
      ],
      textOption: 'name',
    },
    {
      name: 'set',
      zhName: '设置',
      description: { en: 'Change what its parameters are when nobody names them', zh: '修改参数的默认值' },
      options: [saved, { ...parameters, required: true }],
      textOption: 'name',
    },
    {
      name: 'delete',
      zhName: '删除',
      description: { en: 'Forget one of your workflows', zh: '删除你的工作流' },
      options: [saved],
      textOption: 'name',
    },
    {
      name: 'open',
      zhName: '打开',
      description: { en: 'Get it as a file for ComfyUI', zh: '获取可在 ComfyUI 中打开的文件' },
      options: [withoutRequired(saved), drawingOptions.job],
      textOption: 'name',
    },
  ],
  makesRequest: false,
};

function withoutRequired(option: CommandOption): CommandOption {
  const { required: _required, ...rest } = option;
  return rest;
}

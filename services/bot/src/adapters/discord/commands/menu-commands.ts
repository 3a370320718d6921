/** Commands in the menu of a message; five, as Discord allows. */
export const menuCommands = [
  { action: 'edit', name: 'Edit', zhName: '修改图片' },
  { action: 'describe', name: 'Describe', zhName: '描述图片' },
  { action: 'upscale', name: 'Upscale', zhName: '放大图片' },
  { action: 'reference', name: 'Use as reference', zhName: '用作参考' },
  { action: 'workflow', name: 'Show workflow', zhName: '查看工作流' },
] as const;
export type MenuAction = (typeof menuCommands)[number]['action'];

export function findMenuAction(name: string): MenuAction | undefined {
  return menuCommands.find((command) => command.name === name)?.action;
}

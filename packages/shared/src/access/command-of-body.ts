import type { Operation, RequestBody } from '../contracts/request.ts';

/** Those of the chats' commands that requests count as. */
export type RequestCommand =
  | 'imagine'
  | 'edit'
  | 'describe'
  | 'blend'
  | 'upscale'
  | 'animate'
  | 'storyboard'
  | 'workflow';

/** What changes a picture, as the buttons that do the same. */
const edits: ReadonlySet<Operation> = new Set(['image-edit', 'inpaint', 'outpaint', 'background-removal']);

/** The command under which a request counts for rules: buttons and words are no way around them. */
export function commandOfBody(body: RequestBody): RequestCommand {
  switch (body.kind) {
    case 'describe':
      return 'describe';
    case 'shots':
      return 'storyboard';
    case 'workflow':
      return 'workflow';
    case 'derive':
      if (body.action.startsWith('upscale')) return 'upscale';
      if (body.action === 'animate') return 'animate';
      return body.action === 'reroll' ||
        body.action === 'remix' ||
        body.action.startsWith('vary_') ||
        body.action === 'aspect'
        ? 'imagine'
        : 'edit';
    case 'imagine': {
      const { operation, recipe } = body.options;
      if (operation === 'upscale') return 'upscale';
      if (operation === 'blend') return 'blend';
      if (operation === 'image-to-video' || operation === 'text-to-video') return 'animate';
      if (operation !== undefined && edits.has(operation)) return 'edit';
      return recipe?.startsWith('wf:') === true ? 'workflow' : 'imagine';
    }
    default:
      return 'imagine';
  }
}

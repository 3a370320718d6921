import type { RequestBody } from '@atelier/shared/contracts/request';
import type { ButtonAction, PressedButton } from '../cards/card-buttons.ts';
import type { CommandName } from '../commands/command-spec.ts';

/** The command under which a request counts for rules: buttons and words are no way around them. */
export function commandOfBody(body: RequestBody): CommandName {
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
      if (operation === 'image-edit' || operation === 'inpaint') return 'edit';
      return recipe?.startsWith('wf:') === true ? 'workflow' : 'imagine';
    }
    default:
      return 'imagine';
  }
}

const showing: ReadonlySet<ButtonAction> = new Set([
  'show',
  'pick',
  'original',
  'sheet',
  'details',
  'copy',
  'open',
  'favourite',
]);
const commandOfList: Readonly<Record<string, CommandName>> = {
  history: 'history',
  jobs: 'jobs',
  gallery: 'gallery',
  favourites: 'gallery',
  models: 'models',
  recipes: 'recipes',
  workflows: 'workflow',
  styles: 'prefer',
};

/**
 * The command under which a button that only shows something counts for rules. Undefined for those that make a request,
 * which is looked at itself, and for what everybody may do with their own.
 */
export function commandOfButton({ action, arg }: Pick<PressedButton, 'action' | 'arg'>): CommandName | undefined {
  if (action === 'page') return commandOfList[(arg ?? '').split('.')[0] ?? ''];
  return showing.has(action) ? 'show' : undefined;
}

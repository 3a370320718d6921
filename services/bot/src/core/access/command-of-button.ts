import type { ButtonAction, PressedButton } from '../cards/card-buttons.ts';
import type { CommandName } from '../commands/command-spec.ts';

const withResults: ReadonlySet<ButtonAction> = new Set([
  'show',
  'pick',
  'original',
  'sheet',
  'details',
  'copy',
  'open',
  'favourite',
  'report',
  'delete',
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
  tokens: 'token',
};

/**
 * The command under which a button counts for rules: whoever may not look at results may not report or delete them, and
 * what is shared is put into the gallery. Undefined for those that make a request, which is looked at itself, and for
 * what everybody may do with their own, such as to cancel it.
 */
export function commandOfButton({ action, arg }: Pick<PressedButton, 'action' | 'arg'>): CommandName | undefined {
  if (action === 'share') return 'gallery';
  if (action === 'page') return commandOfList[(arg ?? '').split('.')[0] ?? ''];
  return withResults.has(action) ? 'show' : undefined;
}

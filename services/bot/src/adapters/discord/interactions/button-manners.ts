import type { ButtonAction, PressedButton } from '../../../core/cards/card-buttons.ts';
import type { Deferral } from './interaction-answers.ts';

/** What a button is answered with, as far as that is known before it is done. */
type Manner = 'request' | 'form' | 'private' | 'update';

const manners: Record<ButtonAction, Manner> = {
  cancel: 'private',
  retry: 'request',
  original: 'private',
  sheet: 'private',
  pick: 'private',
  upscale_subtle: 'request',
  upscale_creative: 'request',
  vary_subtle: 'request',
  vary_strong: 'request',
  reroll: 'request',
  remix: 'form',
  edit: 'form',
  vary_region: 'form',
  redraw_region: 'request',
  outpaint: 'request',
  aspect: 'request',
  animate: 'form',
  background: 'request',
  favourite: 'private',
  details: 'private',
  copy: 'private',
  open: 'private',
  rerun: 'request',
  delete: 'private',
  share: 'private',
  report: 'form',
  show: 'private',
  answer: 'update',
  answer_text: 'form',
  page: 'update',
  run_workflow: 'request',
};

/** Which forms are answered for the person alone; the others make a request. */
const privateForms: ReadonlySet<ButtonAction> = new Set(['report', 'answer_text']);

/** What is said first, should the answer to a button be late. */
export function deferralOfButton(button: PressedButton, tooLate: Extract<Deferral, object>): Deferral {
  const { action, arg } = button;
  // Without a shape, the choice of shapes comes first.
  if ((action === 'outpaint' || action === 'aspect') && arg === undefined) return 'private';
  const manner = manners[action];
  if (manner === 'form') return tooLate;
  return manner === 'request' ? 'public' : manner;
}

export function deferralOfForm({ action }: PressedButton): Deferral {
  return privateForms.has(action) ? 'private' : 'public';
}

/**
 * Whether the message with the button becomes what came of it: the page of a list, the card whose question was answered,
 * and a question to the person alone that was answered.
 */
export function answersInPlace(button: PressedButton, isEphemeral: boolean): boolean {
  if (button.action === 'page' || button.action === 'answer') return true;
  return isEphemeral && button.action === 'delete' && button.arg !== undefined;
}

import { uuidSchema } from '@atelier/shared/contracts/identity';

export const buttonActions = ['cancel', 'retry', 'original'] as const;
export type ButtonAction = (typeof buttonActions)[number];

/** One button of a card, in the reader's words. */
export interface CardButton {
  action: ButtonAction;
  label: string;
  /** What an adapter hands to its platform: only ids, so it works after any restart. At most 64 bytes, as Telegram allows. */
  id: string;
}

export interface PressedButton {
  action: ButtonAction;
  requestId: string;
}

const letters: Record<ButtonAction, string> = { cancel: 'c', retry: 'r', original: 'o' };

export function formatButtonId(action: ButtonAction, requestId: string): string {
  return `${letters[action]}:${requestId}`;
}

/** `undefined` for what is no button of ours, such as one of a retired version. */
export function parseButtonId(id: string): PressedButton | undefined {
  const action = buttonActions.find((candidate) => id.startsWith(`${letters[candidate]}:`));
  const requestId = uuidSchema.safeParse(id.slice(2));
  return action === undefined || !requestId.success ? undefined : { action, requestId: requestId.data };
}

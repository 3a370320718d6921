import { uuidSchema } from '@atelier/shared/contracts/identity';

/**
 * What a button does, with the letters that its id begins with. Letters are never given to another action: a button in a
 * chat works for as long as the chat keeps it.
 */
const letters = {
  cancel: 'c',
  /** The same request again, after a failure. */
  retry: 'r',
  /** The files themselves. */
  original: 'o',
  /** One of several pictures, with all that can be done with it. */
  pick: 'p',
  upscale_subtle: 'us',
  upscale_creative: 'uc',
  vary_subtle: 'vs',
  vary_strong: 'vt',
  reroll: 'rr',
  /** Opens a form with everything that was set. */
  remix: 'rm',
  /** Opens a form: what changes. */
  edit: 'ed',
  /** Opens a form: which part, and what it becomes. */
  vary_region: 'vr',
  /** Redraws the part that this request has only shown. */
  redraw_region: 'rd',
  /** Without an aspect: the choice of them. */
  outpaint: 'op',
  aspect: 'as',
  /** Opens a form: how it moves. */
  animate: 'an',
  background: 'bg',
  /** Keeps a picture, or no longer. With `on` or `off` it does just that. */
  favourite: 'fv',
  details: 'dt',
  /** The command that asks for the same. */
  copy: 'cp',
  /** All pictures on one sheet, with their numbers. */
  sheet: 'cs',
  /** The workflow as a file for ComfyUI. */
  open: 'wf',
  /** The same with the same seed. */
  rerun: 'ra',
  /** Without `yes`: asks first. */
  delete: 'dl',
  /** To the team's channel. */
  share: 'sh',
  /** Opens a form: what is wrong with it. */
  report: 'rp',
  /** The card of a request. */
  show: 'sw',
  /** Answers a question; the id is the question's, the argument the choice. */
  answer: 'q',
  /** Opens a form to answer a question in words. */
  answer_text: 'qt',
  /** Another page of a list; the id is its reader's, the number the page, the argument the list. */
  page: 'pg',
  /** Runs a saved workflow; the id is the workflow's. */
  run_workflow: 'rw',
} as const;

export type ButtonAction = keyof typeof letters;
export const buttonActions = Object.keys(letters) as ButtonAction[];

/** How much a button draws the eye. */
export type ButtonStyle = 'primary' | 'secondary' | 'success' | 'danger';

/** One button, in the reader's words. */
export interface CardButton {
  action: ButtonAction;
  label: string;
  /** In full, where the label is short, such as `U1`: for screen readers, menus and tooltips. */
  title?: string;
  style: ButtonStyle;
  /** What an adapter hands to its platform: only ids, so it works after any restart. At most 64 bytes, as Telegram allows. */
  id: string;
}

export interface PressedButton {
  action: ButtonAction;
  /** Of the request; of a question, a reader or a workflow where the action says so. */
  requestId: string;
  /** Counts all outputs of the request in order of job and output, from 0; of `page` the page, from 0. */
  picture?: number;
  arg?: string;
}

const byLetters = new Map(Object.entries(letters).map(([action, own]) => [own as string, action as ButtonAction]));
/** `letters:id[:picture][:argument]`: the longest is 2 + 36 + 3 + 20 with three colons, 64 bytes. A storyboard can have 192 pictures. */
const pattern = /^([a-z]{1,2}):([0-9a-f-]{36})(?::(\d{0,3})(?::([\w.-]{1,20}))?)?$/;

export function formatButtonId(
  action: ButtonAction,
  requestId: string,
  rest: { picture?: number | undefined; arg?: string | undefined } = {},
): string {
  const { picture, arg } = rest;
  const tail = arg === undefined ? (picture === undefined ? '' : `:${picture}`) : `:${picture ?? ''}:${arg}`;
  return `${letters[action]}:${requestId}${tail}`;
}

/** `undefined` for what is no button of ours, such as one of a retired version. */
export function parseButtonId(id: string): PressedButton | undefined {
  const [, own = '', uuid, picture = '', arg] = pattern.exec(id) ?? [];
  const action = byLetters.get(own);
  const requestId = uuidSchema.safeParse(uuid);
  if (action === undefined || !requestId.success) return undefined;
  return {
    action,
    requestId: requestId.data,
    ...(picture === '' ? {} : { picture: Number(picture) }),
    ...(arg === undefined ? {} : { arg }),
  };
}

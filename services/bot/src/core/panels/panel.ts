import type { CardButton } from '../cards/card-buttons.ts';
import type { CardImage } from '../cards/job-card.ts';

/** A link that a platform shows as a button. */
export interface PanelLink {
  label: string;
  url: string;
}

/** Words, perhaps a picture and rows of buttons: the answer to most commands and buttons, in the reader's language. */
export interface Panel {
  title?: string;
  text: string;
  /** Text that is taken over as it is, such as a command to copy. */
  code?: string;
  image?: CardImage;
  /** The picture is covered until somebody uncovers it. */
  isCovered?: boolean;
  /** At most 5 rows of at most 5. */
  rows: readonly (readonly CardButton[])[];
  links: readonly PanelLink[];
}

export const listNames = [
  'history',
  'gallery',
  'favourites',
  'jobs',
  'models',
  'recipes',
  'workflows',
  'styles',
  'tokens',
] as const;
export type ListName = (typeof listNames)[number];

export interface ListEntry {
  title: string;
  text: string;
  /** Of the request behind it, for which `show` gives the card. */
  requestId?: string;
  image?: CardImage;
  /** The picture is covered until somebody uncovers it. */
  isCovered?: boolean;
  button?: CardButton;
}

/** One page of a list, in the reader's language. */
export interface ListCard {
  list: ListName;
  title: string;
  /** How many there are, or that there are none. */
  summary: string;
  entries: readonly ListEntry[];
  /** From 0. */
  page: number;
  pages: number;
  /** Previous and next, where there are such pages. */
  buttons: readonly CardButton[];
}

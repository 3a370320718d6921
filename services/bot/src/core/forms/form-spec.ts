/** One field of a form. */
export interface FormField {
  /** What its value comes back under. */
  name: string;
  label: string;
  kind: 'line' | 'paragraph' | 'choice';
  /** What it holds at first. */
  value?: string;
  placeholder?: string;
  required: boolean;
  /** UTF-16 code units. */
  maxLength: number;
  /** Of `choice`; at most 25. */
  choices?: readonly { value: string; label: string }[];
}

/**
 * A form that a button opens, in the reader's language: at most 5 fields, as Discord allows in a modal. Where a platform
 * has no forms, its adapter asks for the words of `textField` by a reply.
 */
export interface FormSpec {
  /** Handed back with the values, as the id of a button: ids only, so it works after any restart. */
  id: string;
  /** At most 45 characters. */
  title: string;
  /** Asks for the words where there are no forms. */
  hint: string;
  fields: readonly FormField[];
  /** The field that one line of text fills. */
  textField: string;
  submitLabel: string;
}

/** What was written into a form, by the name of the field; what is absent was not shown. */
export type FormValues = Readonly<Record<string, string>>;

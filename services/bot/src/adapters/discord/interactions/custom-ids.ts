/*
 * Ids of components that are Discord's alone. Those of buttons and forms are the core's: see parseButtonId.
 */

/** Of a select menu, whose entries carry the ids of buttons. */
export function formatMenuId(kind: string, subject: string): string {
  return `menu:${kind}:${subject}`;
}

/** What a form is about that the menu of a message opened. */
export interface MessageForm {
  action: 'edit' | 'reference';
  /** The interaction that opened it: what was attached to the message is remembered under it for a while. */
  openedBy: string;
  channelId: string;
  messageId: string;
}

export function formatMessageForm(form: MessageForm): string {
  return ['message', form.action, form.openedBy, form.channelId, form.messageId].join(':');
}

export function parseMessageForm(id: string): MessageForm | undefined {
  const [, action, openedBy, channelId, messageId] = /^message:(edit|reference):(\d+):(\d+):(\d+)$/.exec(id) ?? [];
  if ((action !== 'edit' && action !== 'reference') || !openedBy || !channelId || !messageId) return undefined;
  return { action, openedBy, channelId, messageId };
}

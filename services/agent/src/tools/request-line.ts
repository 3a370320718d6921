import type { ConversationRow } from '@atelier/shared/db/agent/conversation';
import { shorten } from '@atelier/shared/text/shorten';
import { shortId } from './picture-ref.ts';

/** What a request asked, in its own words. */
function askedText(row: Pick<ConversationRow, 'body'>): string {
  const { body } = row;
  switch (body.kind) {
    case 'words':
      return body.text;
    case 'imagine':
      return body.options.prompt;
    case 'derive':
      return [body.action, body.text].filter((part) => part !== undefined).join(': ');
    case 'describe':
      return 'describe pictures';
    case 'shots':
      return `${body.shots.length} shots: ${body.shots[0]?.prompt ?? ''}`;
    case 'workflow':
      return `workflow ${body.name ?? ''}`.trim();
    case 'rerun':
      break;
  }
  return `again ${shortId(body.requestId)}`;
}

/** One line about a request: its id, when, who, what was asked, what came of it. */
export function requestLine(row: ConversationRow, now: Date, maxChars: number): string {
  const { plan } = row;
  const made = [
    plan === null ? undefined : `${plan.recipe}${plan.model === undefined ? '' : ` with ${plan.model}`}`,
    plan?.width === undefined || plan.height === undefined ? undefined : `${plan.width}×${plan.height}`,
    plan === null || plan.prompt === askedText(row) ? undefined : `prompt: ${cut(plan.prompt, maxChars)}`,
    plan?.seed === undefined ? undefined : `seed ${plan.seed}`,
  ].filter((part) => part !== undefined);
  const parent =
    row.parentRequestId === null
      ? ''
      : ` (made from ${shortId(row.parentRequestId)}${row.parentPicture === null ? '' : `.${row.parentPicture + 1}`})`;
  const reply = row.reply === null || row.reply === '' ? '' : ` You said: ${cut(row.reply, maxChars)}`;
  const asked =
    row.state !== 'asking' || row.question === null ? '' : ` You ask: ${cut(row.question.text.en, maxChars)}`;
  const error = row.error === null || row.pictures > 0 ? '' : ` Error: ${cut(row.error.message.en, maxChars)}`;
  const words = `${ago(row.createdAt, now)} ${row.personName}: ${cut(askedText(row), maxChars)}`;
  const came = `${row.state}, ${row.pictures} pictures${made.length > 0 ? ` [${made.join(', ')}]` : ''}`;
  return `${shortId(row.id)} ${words} → ${came}${parent}${error}${reply}${asked}`;
}

function cut(text: string, maxChars: number): string {
  return shorten(text.replaceAll(/\s+/g, ' ').trim(), maxChars);
}

/** How long ago, as people say it. */
export function ago(then: Date, now: Date): string {
  const minutes = Math.max(0, Math.round((now.getTime() - then.getTime()) / 60_000));
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.round(minutes / 60);
  return hours < 36 ? `${hours} h ago` : `${Math.round(hours / 24)} days ago`;
}

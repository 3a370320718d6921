import type { Language } from '@atelier/shared/contracts/identity';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import { messagesFor } from '../messages/messages-for.ts';
import type { Messages } from '../messages/messages.ts';
import type { RequestForecast } from '../queue/forecast-requests.ts';
import { titleOf } from './card-facts.ts';

/** One open request in the queue. */
export interface QueueEntry {
  requestId: string;
  author: string;
  mine: boolean;
  state: 'running' | 'waiting' | 'planning';
  /** Its own words, for its author only: what others ask is theirs. */
  title?: string;
  /** 1 is next; absent while it runs or is being planned. */
  position?: number;
  /** `starts in about 1–2 min` */
  text: string;
}

/** Everybody's queue, in the reader's language. */
export interface QueueCard {
  title: string;
  summary: string;
  running: number;
  waiting: number;
  entries: QueueEntry[];
  /** Open requests beyond the list, in words. */
  more?: string;
}

/** What the queue card is drawn from. */
export interface QueueFacts {
  open: readonly RequestRecord[];
  /** By request. */
  forecasts: ReadonlyMap<string, RequestForecast>;
  /** What keeps GPUs from all this; absent before the first look. */
  held?: { pausedGpus: number; foreignPrompts: number };
}

const listed = 50;

/** @param readerId the person who looks; absent where a whole channel does. */
export function renderQueueCard(facts: QueueFacts, language: Language, readerId?: string): QueueCard {
  const m = messagesFor(language);
  const entries = facts.open.map((request) => entryOf(request, facts, m, readerId));
  const order = { running: 0, waiting: 1, planning: 2 };
  entries.sort((a, b) => order[a.state] - order[b.state] || (a.position ?? 0) - (b.position ?? 0));
  const running = entries.filter((entry) => entry.state === 'running').length;
  const waiting = entries.length - running;
  return {
    title: m.queue.title,
    summary: [
      entries.length === 0 ? m.queue.empty : m.queue.summary(waiting, running),
      m.queue.held(facts.held?.pausedGpus ?? 0, facts.held?.foreignPrompts ?? 0),
    ]
      .filter((part) => part !== '')
      .join(' · '),
    running,
    waiting,
    entries: entries.slice(0, listed),
    ...(entries.length > listed ? { more: m.queue.more(entries.length - listed) } : {}),
  };
}

function entryOf(request: RequestRecord, facts: QueueFacts, m: Messages, readerId: string | undefined): QueueEntry {
  const mine = request.personId === readerId;
  const title = mine ? titleOf({ request }) : undefined;
  const common = {
    requestId: request.id,
    author: mine ? m.queue.you : request.personName,
    mine,
    ...(title === undefined ? {} : { title }),
  };
  const forecast = facts.forecasts.get(request.id);
  if (request.state !== 'working') return { ...common, state: 'planning', text: m.queue.planning };
  // Its jobs have ended, or were queued after the forecast was made.
  if (forecast === undefined) return { ...common, state: 'planning', text: m.progress.working };
  const { place, starts, ends } = forecast;
  if (place === 0) {
    return { ...common, state: 'running', text: ends === undefined ? m.queue.running : m.queue.endsIn(ends) };
  }
  return {
    ...common,
    state: 'waiting',
    position: place,
    text: starts === undefined ? m.queue.noEstimate : m.queue.startsIn(starts),
  };
}

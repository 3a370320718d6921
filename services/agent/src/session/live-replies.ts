import { MAX_LIVE_REPLY_CHARS, type LiveReply } from '@atelier/shared/contracts/live';
import type { RunEvent } from '../loop/event-sink.ts';

/** At most so often a text goes out: people read no faster. */
const MIN_INTERVAL_MS = 250;

/**
 * Shows a run while it goes on: the text so far, and which tools are at work. What comes between two texts is replaced by
 * the next; the last always goes out.
 */
export function createLiveReplies(
  requestId: string,
  publish: (reply: LiveReply) => void,
  now: () => number,
): { sink: (event: RunEvent) => void; stop: () => void } {
  let seq = 0;
  let sentAt = Number.NEGATIVE_INFINITY;
  let waiting: NodeJS.Timeout | undefined;
  let latest: Pick<LiveReply, 'text' | 'tools'> | undefined;

  function send(): void {
    clearTimeout(waiting);
    waiting = undefined;
    if (latest === undefined) return;
    sentAt = now();
    publish({ requestId, seq: seq++, ...latest });
    latest = undefined;
  }

  function show(reply: Pick<LiveReply, 'text' | 'tools'>): void {
    latest = reply;
    const leftMs = sentAt + MIN_INTERVAL_MS - now();
    if (leftMs <= 0) send();
    else waiting ??= setTimeout(send, leftMs);
  }

  return {
    sink(event) {
      if (event.type === 'text') show({ text: event.text.slice(-MAX_LIVE_REPLY_CHARS), tools: [] });
      else if (event.type === 'tools')
        show({ text: '', tools: event.uses.slice(0, 20).map(({ name }) => name.slice(0, 100)) });
      else if (event.type === 'end') send();
    },
    stop() {
      clearTimeout(waiting);
      latest = undefined;
    },
  };
}

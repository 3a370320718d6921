import type { ServerResponse } from 'node:http';
import type { Language } from '@atelier/shared/contracts/identity';
import type { LivePreview } from '@atelier/shared/contracts/live';
import type { CardFacts } from '../../core/cards/card-facts.ts';
import { renderQueueCard } from '../../core/cards/queue-card.ts';
import { renderJobCard } from '../../core/cards/render-job-card.ts';
import { renderNotices } from '../../core/notices/render-notices.ts';
import type { CardFeed } from '../../state/card-feed.ts';
import { liveFactsOf } from '../../chat/live-facts.ts';
import type { LiveBoard } from '@atelier/shared/live/live-board';
import type { QueueWatch } from '../../state/queue-watch.ts';
import type { StatusWatch } from '../../state/status-watch.ts';
import { type EventStream, openEventStream } from './event-stream.ts';
import type { Viewer } from './web-identity.ts';

export interface WebViewersDeps {
  feed: CardFeed;
  queue: QueueWatch;
  board: LiveBoard;
  status: StatusWatch;
}

export interface WebViewers {
  /**
   * Opens a viewer's stream. Events:
   * `card` a {@link JobCard}; `progress` `{requestId, jobId, fraction, progress}`; `preview` `{requestId, jobId, src}`;
   * `queue` a {@link QueueCard}; `notices` `[{key, text}]`; `heartbeat`.
   */
  open(response: ServerResponse, viewer: Viewer, personId: string, language: Language): void;
  close(): void;
}

/** Everybody who has the page open, and what they are told. */
export function createWebViewers(deps: WebViewersDeps): WebViewers {
  const { feed, queue, board, status } = deps;
  const streams = new Set<EventStream>();

  return {
    open(response, viewer, personId, language) {
      const isTheirs = (facts: CardFacts): boolean =>
        facts.request.place.door === viewer.place.door && facts.request.place.id === viewer.place.id;
      /** The viewer's open requests, whose estimates change with everybody's queue. */
      const waiting = new Map<string, CardFacts>();

      /** Jobs of which a preview was sent. */
      const previewed = new Set<string>();

      const sendPreview = ({ requestId, jobId, mediaType, base64 }: LivePreview): void => {
        previewed.add(jobId);
        stream.send('preview', { requestId, jobId, src: `data:${mediaType};base64,${base64}` }, { lossy: true });
      };
      const render = (facts: CardFacts) => renderJobCard(facts, liveFactsOf({ queue, board, status }), language);

      const releases = [
        feed.watch({
          doors: [viewer.place.door],
          onChange(facts) {
            if (!isTheirs(facts)) return;
            if (facts.request.finishedAt === null) waiting.set(facts.request.id, facts);
            else waiting.delete(facts.request.id);
            for (const job of facts.jobs) if (job.finishedAt !== null) previewed.delete(job.id);
            stream.send('card', render(facts));
          },
          onProgress(facts, progress) {
            if (!isTheirs(facts)) return;
            const card = render(facts);
            const { requestId, jobId, fraction } = progress;
            stream.send('progress', { requestId, jobId, fraction, progress: card.progress }, { lossy: true });
            // Who has just come sees what others see already.
            const preview = previewed.has(jobId) ? undefined : board.preview(jobId);
            if (preview !== undefined) sendPreview(preview);
          },
          onPreview(facts, preview) {
            if (!isTheirs(facts)) return;
            sendPreview(preview);
          },
          onReply(facts) {
            if (isTheirs(facts)) stream.send('card', render(facts), { lossy: true });
          },
        }),
        queue.watch((facts) => {
          stream.send('queue', renderQueueCard(facts, language, personId));
          for (const mine of waiting.values()) stream.send('card', render(mine), { lossy: true });
        }),
        status.watch((notices) => stream.send('notices', renderNotices(notices, language))),
      ];
      const stream = openEventStream(response, () => {
        for (const release of releases) release();
        streams.delete(stream);
      });
      streams.add(stream);
      stream.send('notices', renderNotices(status.notices, language));
      stream.send('queue', renderQueueCard(queue.current, language, personId));
    },
    close() {
      for (const stream of streams) stream.close();
    },
  };
}

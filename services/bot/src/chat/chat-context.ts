import type { Logger } from 'pino';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { CancelWake, PolicyView, PolicyViewRequest } from '@atelier/shared/contracts/control';
import type { AssetRef, RequestBody, SourceRef } from '@atelier/shared/contracts/request';
import type { Database } from '@atelier/shared/db/connect-database';
import type { OutboxRelay } from '@atelier/shared/db/outbox-relay';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Asker } from '../core/access/asker.ts';
import type { RateLimit } from '../core/access/rate-limit.ts';
import type { CardFacts } from '../core/cards/card-facts.ts';
import type { CommandName } from '../core/commands/command-spec.ts';
import { commandSpec } from '../core/commands/command-table.ts';
import type { Messages } from '../core/messages/messages.ts';
import type { ChatOutcome } from '../ports.ts';
import type { CardFeed } from '../state/card-feed.ts';
import type { CardReader } from '../state/card-reader.ts';
import type { Catalogue } from '../state/catalogue.ts';
import type { ChatSettingsCache } from '../state/chat-settings-cache.ts';
import type { LiveBoard } from '@atelier/shared/live/live-board';
import type { PeopleCache } from '../state/people-cache.ts';
import type { QueueWatch } from '../state/queue-watch.ts';
import type { StatusWatch } from '../state/status-watch.ts';
import type { PictureFetcher } from '../uploads/fetch-picture.ts';
import type { Access, AdminPolicy } from './access.ts';

export interface ChatCoreDeps {
  db: Database;
  relay: Pick<OutboxRelay, 'nudge'>;
  wakeCancel: (wake: CancelWake) => void;
  reader: CardReader;
  feed: CardFeed;
  queue: QueueWatch;
  board: LiveBoard;
  status: StatusWatch;
  settings: ChatSettingsCache;
  people: PeopleCache;
  catalogue: Catalogue;
  files: Pick<AssetStore, 'put' | 'get' | 'head'>;
  /** The same, as they are posted into chats. */
  postedFiles: Pick<AssetStore, 'get' | 'head'>;
  /** Counts codes that are tried. */
  linkTries: RateLimit;
  /** Tells a worker at once what its row says anyway. */
  tellWorker: (instanceId: string, command: 'pause' | 'resume') => void;
  /** A workflow in API format as ComfyUI's front end saves it; undefined where nobody can say. */
  exportWorkflow: (request: { jobId: string }) => Promise<string | undefined>;
  /** What workflows may use, as the agent knows the servers. @throws AppError `unavailable` */
  viewPolicy: (asked: PolicyViewRequest) => Promise<PolicyView>;
  /** Fetches what people link to. */
  fetchPicture: PictureFetcher;
  /** A post was added: send it soon. */
  ringPosts: () => void;
  /** Something went wrong that operators should hear of: look now. */
  ringOperators: () => void;
  /** Address of the page for others, without a slash at the end; undefined where there is none. */
  publicUrl: string | undefined;
  /** A lasting path of a stored file on the page. */
  signedFilePath: (file: { hash: string; filename: string }) => string;
  admins: AdminPolicy;
  log: Logger;
  now: () => number;
  randomId: () => string;
  randomBytes: (count: number) => Uint8Array;
  /** How long a person waits to hear that their request was committed. */
  acceptDeadlineMs?: number;
}

/** Somebody who asks, known: what commands and buttons are done for. */
export interface KnownAsker extends Asker {
  personId: string;
  m: Messages;
}

/** Whether others read what this person is answered: a Telegram group has no answers for one of its members alone. */
export function isOverheard({ place, standing }: Pick<Asker, 'place' | 'standing'>): boolean {
  return place.door === 'telegram' && standing?.isDirect !== true;
}

export interface AcceptOptions {
  parent?: SourceRef;
  isPrivate?: boolean | undefined;
}

/** What commands, buttons and forms share. */
export interface ChatContext {
  deps: ChatCoreDeps;
  access: Access;
  know(by: Asker): Promise<KnownAsker>;
  /** Commits a request, after rights and limits. */
  accept(by: KnownAsker, body: RequestBody, options?: AcceptOptions): Promise<ChatOutcome>;
  /** A request that this person may see, as it is shown where they are. @throws AppError `not_found`, `forbidden` */
  visible(requestId: string, by: KnownAsker): Promise<CardFacts>;
  keepImage(image: AssetRef): Promise<void>;
  /** @throws AppError `forbidden` for words that are not drawn here. */
  checkWords(by: Asker, words: string): void;
  /** Counts what they do for others to see. @throws AppError `rate_limited` where that is too much in a minute. */
  checkRate(by: Asker): void;
}

export function said(text: string): ChatOutcome {
  return { outcome: 'said', text };
}

/** One picture of a request, by its number over all jobs. @throws AppError `not_found` where it is gone. */
export function pictureOf(facts: CardFacts, picture: number) {
  let index = 0;
  for (const job of facts.jobs) {
    for (const output of job.outputs) {
      if (index === picture) return { job, output };
      index += 1;
    }
  }
  throw pictureGone();
}

export function pictureGone(): AppError {
  return new AppError('not_found', 'a picture is gone', {
    publicMessage: {
      en: 'This picture is no longer kept. Try again with the same words: press Reroll or use /imagine.',
      zh: '这张图片已不再保留。可用同样的描述重新生成：点击“重绘”或使用 /画图。',
    },
  });
}

/** What is the person's alone, such as a code, is not said where others read along. @throws AppError `forbidden` */
export function checkAlone(by: Pick<Asker, 'place' | 'standing'>, command: CommandName): void {
  if (!isOverheard(by)) return;
  const { name, zhName } = commandSpec(command);
  throw new AppError('forbidden', 'for one person alone, where others read along', {
    publicMessage: {
      en: `Others read along here, and this is yours alone: send /${name} in our private chat.`,
      zh: `此处其他人也能看到，而这只属于你：请在与我的私聊中发送 /${zhName}。`,
    },
  });
}

export function adminsOnly(by: Asker): AppError {
  const id = `${by.user.door}:${by.user.id}`;
  return new AppError('forbidden', 'for operators', {
    publicMessage: {
      en: `Only operators may do this. Whoever runs the server makes you one by adding ${id} to ATELIER_ADMINS.`,
      zh: `仅限管理员。请服务器的运行者将 ${id} 加入 ATELIER_ADMINS。`,
    },
  });
}

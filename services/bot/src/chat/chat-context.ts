import type { Logger } from 'pino';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { CancelWake } from '@atelier/shared/contracts/control';
import type { AssetRef, RequestBody, SourceRef } from '@atelier/shared/contracts/request';
import type { Database } from '@atelier/shared/db/connect-database';
import type { OutboxRelay } from '@atelier/shared/db/outbox-relay';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Asker } from '../core/access/asker.ts';
import type { RateLimit } from '../core/access/rate-limit.ts';
import type { CardFacts } from '../core/cards/card-facts.ts';
import { messagesFor } from '../core/messages/messages-for.ts';
import type { Messages } from '../core/messages/messages.ts';
import type { ChatOutcome } from '../ports.ts';
import type { CardFeed } from '../state/card-feed.ts';
import type { CardReader } from '../state/card-reader.ts';
import type { Catalogue } from '../state/catalogue.ts';
import type { ChatSettingsCache } from '../state/chat-settings-cache.ts';
import type { LiveBoard } from '../state/live-board.ts';
import type { PeopleCache } from '../state/people-cache.ts';
import type { QueueWatch } from '../state/queue-watch.ts';
import type { StatusWatch } from '../state/status-watch.ts';

/** Who is an operator. */
export interface AdminPolicy {
  /** `door:id` of each. */
  identities: ReadonlySet<string>;
  /** The page is on loopback without a token: who sits there owns the machine. */
  trustsLocalPage: boolean;
  /** Who manages a server or a group is an operator where the place itself was allowed by a rule. */
  trustsChatAdmins: boolean;
}

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
  /** A post was added: send it soon. */
  ringPosts: () => void;
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

/** Still for its author alone: what comes of it is so too. */
export function isKeptPrivate({ request, marks }: CardFacts): boolean {
  return request.isPrivate && marks?.isShared !== true;
}

export interface AcceptOptions {
  parent?: SourceRef;
  isPrivate?: boolean | undefined;
}

/** What commands, buttons and forms share. */
export interface ChatContext {
  deps: ChatCoreDeps;
  know(by: Asker): Promise<KnownAsker>;
  /** Named as an operator: also sees and cancels what is others'. */
  isAdmin(by: Asker): Promise<boolean>;
  /** May use the commands for operators. */
  mayAdminister(by: Asker): Promise<boolean>;
  /** Commits a request, after rights and limits. */
  accept(by: KnownAsker, body: RequestBody, options?: AcceptOptions): Promise<ChatOutcome>;
  /** @throws AppError `forbidden` where a rule says so. */
  checkAccess(by: Asker, command: string): Promise<void>;
  /** A request that this person may see, and where they are. @throws AppError `not_found`, `forbidden` */
  visible(requestId: string, by: KnownAsker): Promise<CardFacts>;
  keepImage(image: AssetRef): Promise<void>;
  /** @throws AppError `forbidden` for words that are not drawn here. */
  checkWords(by: Asker, words: string): void;
}

export function said(text: string): ChatOutcome {
  return { outcome: 'said', text };
}

export function messagesOf(by: Asker): Messages {
  return messagesFor(by.user.language);
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

export function adminsOnly(by: Asker): AppError {
  const id = `${by.user.door}:${by.user.id}`;
  return new AppError('forbidden', 'for operators', {
    publicMessage: {
      en: `Only operators may do this. Whoever runs the server makes you one by adding ${id} to ATELIER_ADMINS.`,
      zh: `仅限管理员。请服务器的运行者将 ${id} 加入 ATELIER_ADMINS。`,
    },
  });
}

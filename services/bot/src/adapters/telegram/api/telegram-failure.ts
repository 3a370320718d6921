import { GrammyError, HttpError } from 'grammy';
import { AppError } from '@atelier/shared/errors/app-error';

/** Why Telegram did not do what it was asked. Its descriptions are the only detail: codes are HTTP's. */
export type TelegramFailureKind =
  /** It stands there like this already. */
  | 'not_modified'
  /** The message is no longer there, or is of another kind. */
  | 'message_gone'
  /** The chat, the topic or the person is gone or closed to us. */
  | 'place_closed'
  /** The group became a supergroup with another id. */
  | 'migrated'
  /** The button was pressed too long ago. */
  | 'query_expired'
  /** Not a picture that Telegram shows as a photo. */
  | 'photo_refused'
  | 'too_large'
  | 'rate_limited'
  /** Somebody else reads this bot's updates. */
  | 'conflict'
  /** Wrong or withdrawn bot token. */
  | 'unauthorized'
  /** Telegram does not accept what we sent: our bug. */
  | 'refused'
  /** Away, broken or too slow: it may have happened. */
  | 'unreachable';

const kindOfDescription: readonly [RegExp, TelegramFailureKind][] = [
  [/message is not modified/i, 'not_modified'],
  [
    /message to edit not found|message can't be edited|there is no (text|media|caption) in the message|MESSAGE_ID_INVALID/i,
    'message_gone',
  ],
  [
    /chat not found|PEER_ID_INVALID|deactivated|CHAT_WRITE_FORBIDDEN|no rights to send|not enough rights/i,
    'place_closed',
  ],
  [/TOPIC_CLOSED|TOPIC_DELETED|message thread not found|CHAT_RESTRICTED|CHAT_SEND_\w+_FORBIDDEN/i, 'place_closed'],
  [/query is too old|query ID is invalid/i, 'query_expired'],
  [/PHOTO_INVALID_DIMENSIONS|IMAGE_PROCESS_FAILED|PHOTO_SAVE_FILE_INVALID|too big for a photo/i, 'photo_refused'],
  [/file is too big|Request Entity Too Large/i, 'too_large'],
];

const kindOfStatus: Record<number, TelegramFailureKind> = {
  401: 'unauthorized',
  403: 'place_closed',
  404: 'unauthorized',
  409: 'conflict',
  413: 'too_large',
  429: 'rate_limited',
};

/** Telegram's answer without addresses, files or texts: its addresses contain the bot's token. */
export class TelegramFailure extends AppError {
  readonly kind: TelegramFailureKind;
  /** Of `rate_limited`. */
  readonly afterMs: number;
  /** Of `migrated`. */
  readonly newChatId: string | undefined;
  /** Of `unreachable`: no connection came about, so nothing can have happened. */
  readonly neverReached: boolean;

  constructor(
    kind: TelegramFailureKind,
    method: string,
    message: string,
    more: { afterMs?: number; newChatId?: string; neverReached?: boolean } = {},
  ) {
    super(kind === 'rate_limited' ? 'rate_limited' : 'unavailable', `Telegram: ${message}`, {
      details: { kind, method },
    });
    this.kind = kind;
    this.afterMs = more.afterMs ?? 0;
    this.newChatId = more.newChatId;
    this.neverReached = more.neverReached ?? false;
  }
}

/** Of Node's sockets: what goes wrong before a byte was sent. */
const beforeConnection: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
]);

export function toTelegramFailure(method: string, thrown: unknown): TelegramFailure {
  if (thrown instanceof TelegramFailure) return thrown;
  if (thrown instanceof GrammyError) {
    const { error_code: status, description, parameters } = thrown;
    if (parameters.migrate_to_chat_id !== undefined) {
      return new TelegramFailure('migrated', method, description, { newChatId: String(parameters.migrate_to_chat_id) });
    }
    if (status >= 500) return new TelegramFailure('unreachable', method, description);
    const said = kindOfDescription.find(([pattern]) => pattern.test(description))?.[1];
    const afterMs = (parameters.retry_after ?? 1) * 1_000;
    return new TelegramFailure(kindOfStatus[status] ?? said ?? 'refused', method, description, { afterMs });
  }
  // The library's own error names the address, token included: only its code goes on.
  const inner = thrown instanceof HttpError ? thrown.error : thrown;
  const code = typeof inner === 'object' && inner !== null && 'code' in inner ? String(inner.code) : 'no answer';
  return new TelegramFailure('unreachable', method, code, { neverReached: beforeConnection.has(code) });
}

export function isFailure(thrown: unknown, ...kinds: TelegramFailureKind[]): thrown is TelegramFailure {
  return thrown instanceof TelegramFailure && kinds.includes(thrown.kind);
}

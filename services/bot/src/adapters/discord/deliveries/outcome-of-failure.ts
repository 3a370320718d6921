import type { Logger } from 'pino';
import { AppError } from '@atelier/shared/errors/app-error';
import type { SendOutcome } from '../../../ports.ts';
import { DiscordFailure } from '../messages/discord-failure.ts';

const unauthorizedRetryMs = 60_000;
const maxBackoffMs = 60_000;

/** What is owed, and how often it was tried. */
export interface TriedSend {
  attempts: number;
  triedBefore: boolean;
  requestId: string | null;
  kind: string;
}

/** How a try to send that threw has ended. @throws what is no failure but a bug. */
export function outcomeOfFailure(error: unknown, tried: TriedSend, log: Logger): SendOutcome {
  const backoffMs = Math.min(1_000 * 2 ** Math.min(tried.attempts, 6), maxBackoffMs);
  // An earlier try may still stand there: who comes next must look.
  const certainlyNotSent = !tried.triedBefore;
  if (!(error instanceof DiscordFailure)) {
    if (!(error instanceof AppError)) throw error;
    return { outcome: 'postponed', afterMs: backoffMs, reason: error.message, certainlyNotSent };
  }
  const reason = error.message;
  switch (error.kind) {
    case 'rate_limited':
      return { outcome: 'postponed', afterMs: error.afterMs, reason, certainlyNotSent };
    case 'unauthorized':
      return { outcome: 'postponed', afterMs: unauthorizedRetryMs, reason, certainlyNotSent };
    case 'unreachable':
    case 'token_expired':
    case 'already_answered':
      return { outcome: 'postponed', afterMs: backoffMs, reason, certainlyNotSent: false };
    case 'message_gone':
    case 'place_closed':
    case 'edited_too_often':
      return { outcome: 'failed', reason };
    case 'refused':
    case 'too_large':
      log.error({ err: error, request_id: tried.requestId, kind: tried.kind }, 'Discord refuses what we send');
      return { outcome: 'failed', reason };
    default:
      return error.kind satisfies never;
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { startPlatform, type PlatformServers } from '../support/platform.ts';
import { createTelegramServer } from '../support/telegram/telegram-server.ts';
import { describeValues, formatDistribution, type Distribution } from './distribution.ts';
import { residentMegabytes } from './resident-memory.ts';
import { createRandom } from './bench-schedule-trace.ts';

export interface TelegramResult {
  /** Minutes of real time; the fake's windows and our spacing run so much faster. */
  minutes: number;
  scale: number;
  requests: number;
  /** Killed while messages were on their way. */
  kills: number;
  /** Requests without their result in the chat. */
  missing: number;
  /** Results that stand in a chat twice. */
  doubled: number;
  /** Answers of Telegram with `retry_after`, and messages that came before it was over. */
  limited: { refused: number; early: number };
  /** ms of real time from a message to its placeholder. */
  placeholder: Distribution;
  /** ms of real time from the end of a request to its result in the chat. */
  result: Distribution;
  residentMegabytes: number;
}

const scale = 60;
/** 300 a day is a busy team; 10 times that. */
const requestsPerSimulatedDay = 3_000;
const privateChats = 30;
const groups = 10;
const settleMs = 90_000;

/**
 * A day of ten teams in Telegram, 60 times as fast: the fake's second, minute and `retry_after` windows and our spacing
 * are divided by 60, everything else runs as it does. The bot is killed four times on the way.
 */
export async function benchTelegram(
  servers: PlatformServers,
  minutes: number,
  seed: number,
  say: (line: string) => void,
): Promise<TelegramResult> {
  const random = createRandom(seed);
  const telegram = createTelegramServer({ limitScale: scale });
  const simulator = createSimulator({ port: 0, speed: 0 });
  const [{ url }, { apiRoot }] = await Promise.all([simulator.start(), telegram.start()]);
  const platform = await startPlatform({
    servers,
    comfyuiUrl: url,
    timeScale: 1,
    logLevel: 'warn',
    env: {
      TELEGRAM_TOKEN: telegram.token,
      TELEGRAM_API_ROOT: apiRoot,
      BOT_TIME_SCALE: String(scale),
      ATELIER_MAX_QUEUED_PER_PERSON: '1000',
    },
  });
  const sql = postgres(servers.databaseUrl, { max: 1 });
  const chats = [
    ...Array.from({ length: privateChats }, (_, index) => 60_000 + index),
    ...Array.from({ length: groups }, (_, index) => -(70_000 + index)),
  ];
  const asked: { chatId: number; messageId: number; atMs: number }[] = [];
  const everyMs = (24 * 3_600_000) / scale / requestsPerSimulatedDay;
  const count = Math.floor((minutes * 60_000) / everyMs);
  const killAt = new Set([0.2, 0.4, 0.6, 0.8].map((share) => Math.floor(count * share)));
  let kills = 0;
  try {
    const start = performance.now();
    for (let index = 0; index < count; index += 1) {
      await sleep(Math.max(0, start + index * everyMs - performance.now()));
      const chatId = chats[Math.floor(random() * chats.length)] ?? 60_000;
      const pictures = random() < 0.2 ? 2 + Math.floor(random() * 3) : 1;
      const from = { id: chatId > 0 ? chatId : 80_000 + Math.floor(random() * 40), first_name: 'Person' };
      const messageId = telegram.say(chatId, `/imagine subject ${index} --n ${pictures}`, { from });
      asked.push({ chatId, messageId, atMs: performance.now() });
      if (killAt.has(index)) {
        await platform.kill('bot');
        kills += 1;
        await platform.start('bot');
      }
      if ((index + 1) % 100 === 0) say(`${index + 1} of ${count} requests`);
    }
    await untilDelivered(sql, count);
    return await judge();
  } finally {
    await sql.end();
    await platform.stop();
    await Promise.all([simulator.stop(), telegram.stop()]);
  }

  async function judge(): Promise<TelegramResult> {
    const rows = await sql<
      { eventId: string; ended: number; shown: number | null; placed: number | null; created: number; images: number }[]
    >`
      select r.event_id as "eventId", (extract(epoch from r.finished_at) * 1000)::float8 as ended,
        (extract(epoch from r.created_at) * 1000)::float8 as created, r.jobs_succeeded as images,
        (select (extract(epoch from sent_at) * 1000)::float8 from deliveries where request_id = r.id and kind = 'result') as shown,
        (select (extract(epoch from sent_at) * 1000)::float8 from deliveries where request_id = r.id and kind = 'card') as placed
      from requests r`;
    const byEvent = new Map(rows.map((row) => [row.eventId, row]));
    let missing = 0;
    let doubled = 0;
    for (const { chatId, messageId } of asked) {
      const row = byEvent.get(`${chatId}:${messageId}`);
      const answers = telegram.replies(chatId).filter((message) => message.replyTo === messageId);
      const finals = answers.filter(({ text, caption }) => (text ?? caption ?? '').startsWith('Done'));
      if (row === undefined || finals.length === 0) missing += 1;
      const albums = new Set(
        telegram
          .replies(chatId)
          .filter(({ replyTo }) => finals.some((final) => final.messageId === replyTo))
          .map(({ albumId }) => albumId),
      );
      if (finals.length > 1 || albums.size > 1) doubled += 1;
    }
    const differences = (from: 'created' | 'ended', to: 'placed' | 'shown'): number[] =>
      rows.flatMap((row) => (row[to] === null ? [] : [row[to] - row[from]]));
    return {
      minutes,
      scale,
      requests: asked.length,
      kills,
      missing,
      doubled,
      limited: telegram.limited,
      placeholder: describeValues(differences('created', 'placed')),
      result: describeValues(differences('ended', 'shown')),
      residentMegabytes: residentMegabytes(platform.service('bot').pid),
    };
  }
}

async function untilDelivered(sql: postgres.Sql, count: number): Promise<void> {
  const until = performance.now() + settleMs;
  while (performance.now() < until) {
    const [row] = await sql`
      select count(*)::int as n from deliveries where kind = 'result' and state in ('sent', 'failed')`;
    if (Number(row?.['n']) >= count) return;
    await sleep(500);
  }
}

/** The result as lines, each with its goal. */
export function formatTelegram(result: TelegramResult): string[] {
  const { requests, kills, missing, doubled, limited } = result;
  return [
    `${requests} requests in ${result.minutes} min at ${result.scale} times a day's pace, the bot killed ${kills} times`,
    `without a result     ${missing}   (goal 0)`,
    `shown twice          ${doubled}   (goal at most 1 in 10,000)`,
    `sent before retry_after ${limited.early}   (goal 0), refused with 429: ${limited.refused}`,
    `message → placeholder  ${formatDistribution(result.placeholder, 'ms')}`,
    `ended → result shown   ${formatDistribution(result.result, 'ms')}`,
    `resident bot           ${result.residentMegabytes.toFixed(0)} MB`,
  ];
}

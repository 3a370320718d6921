import { setTimeout as delay } from 'node:timers/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pino } from 'pino';
import { createDiscordAdapter } from '@atelier/bot/adapters/discord/create-discord-adapter';
import type { CardFacts } from '@atelier/bot/core/cards/card-facts';
import { finishedJob, jobRecord, plan, requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import type { ChatAdapter, ChatOutcome } from '@atelier/bot/ports';
import type { DeliveryKind } from '@atelier/shared/db/deliveries/delivery-store';
import { requestIdOf } from '@atelier/shared/db/requests/accept-request';
import { claimedDelivery } from '../support/discord/claimed-delivery.ts';
import { createFakeDiscord, type FakeDiscord } from '../support/discord/fake-discord.ts';
import type { FakePerson } from '../support/discord/fake-person.ts';
import { createScriptedChat, type ScriptedChat } from '../support/discord/scripted-chat.ts';
import { describeValues, type Distribution } from './distribution.ts';

/*
 * A team's day at ten times its load, replayed at 60×: the Discord adapter through the real discord.js against a Discord
 * whose windows (15 min, nonces, 1 h, rates) are divided by 60, as are our spacings. The 3 s for an acknowledgement are
 * not: a person would wait them. The core is played: requests wait, are drawn and end as a trace says.
 */

const speed = 60;
/** A team of twenty asks about 200 times in 24 h; ten times that. */
const requestsADay = 2_000;
const daySeconds = 24 * 3_600;
const people = 20;
const channels = 6;

export interface DiscordSoakOptions {
  /** Real minutes; 24 replay a whole day. */
  minutes: number;
  seed: number;
}

export interface DiscordSoak {
  realSeconds: number;
  simulatedHours: number;
  requests: number;
  interactions: number;
  acknowledgementMs: Distribution & { p999: number };
  unanswered: number;
  /** Calls, and those of them that Discord refused, by status and code. */
  calls: number;
  refusals: Record<string, number>;
  /** The most calls answered with 401, 403 or 429 within ten simulated minutes. */
  mostInvalidInTenMinutes: number;
  /** Calls that came before a `retry_after` was over. */
  early: number;
  results: { once: number; never: number; twice: number; late: number };
  /** Simulated seconds from the end of a request to its pictures. */
  resultSeconds: Distribution;
  /** Messages that were edited more often than once in 3 simulated seconds, less the last edit. */
  tooOftenEdited: number;
  residentMegabytes: number;
  /** How late timers of this process were: what a busy machine adds to every figure. */
  loopDelayMs: { p99: number; max: number };
}

interface Underway {
  facts: CardFacts;
  endedAt: number;
  sentAt: number | undefined;
  isLate: boolean;
}

export async function benchDiscord(options: DiscordSoakOptions, say: (line: string) => void): Promise<DiscordSoak> {
  const discord = createFakeDiscord({ timeScale: speed, ackMs: 3_000 });
  const core = createScriptedChat();
  const random = createRandom(options.seed);
  const refs = new Map<string, Partial<Record<DeliveryKind, Record<string, unknown>>>>();
  for (let digit = 0; digit < 10; digit++) core.files.set(String(digit).repeat(64), Buffer.alloc(60_000, digit));
  await discord.start();
  const adapter = createDiscordAdapter({
    token: discord.token,
    apiUrl: discord.apiUrl,
    messageContent: false,
    chat: core.chat,
    readMessageRefs: async (id) => refs.get(id) ?? {},
    readShareRefs: async () => [],
    log: pino({ level: 'silent' }),
    now: Date.now,
    timeScale: speed,
  });
  await adapter.start();
  const soak = createSoak({ discord, core, adapter, refs, random });
  try {
    await soak.run(options.minutes * 60, say);
    return soak.summary();
  } finally {
    await adapter.stop();
    await discord.stop();
  }
}

interface SoakParts {
  discord: FakeDiscord;
  core: ScriptedChat;
  adapter: ChatAdapter;
  refs: Map<string, Partial<Record<DeliveryKind, Record<string, unknown>>>>;
  random: () => number;
}

function createSoak({ discord, core, adapter, refs, random }: SoakParts) {
  const team: FakePerson[] = Array.from({ length: people }, (_, index) => discord.addPerson(`Person ${index}`));
  const places = Array.from({ length: channels }, (_, index) => discord.addChannel(`channel-${index}`).id);
  const requests = new Map<string, Underway>();
  const underway = new Set<Promise<void>>();
  const acknowledgements: number[] = [];
  const resultSeconds: number[] = [];
  let interactions = 0;
  let unanswered = 0;
  let mostInvalid = 0;
  let tooOftenEdited = 0;
  const finishedResults = { once: 0, never: 0, twice: 0, late: 0 };
  const loopDelay = monitorEventLoopDelay({ resolution: 10 });
  let startedAt = 0;
  let endedAt = 0;

  core.script.run = async (call, by): Promise<ChatOutcome> => {
    if (call.command !== 'imagine') return { outcome: 'said', text: 'done' };
    // Now and then the database is slow.
    await delay(random() < 0.01 ? 1_800 : 2 + random() * 20);
    return accept(by.eventId, by.place.id, by.user.id, by.place.guildId);
  };
  core.script.press = async () => ({ outcome: 'said', text: 'done' });

  function accept(eventId: string, channelId: string, userId: string, guildId: string | undefined): ChatOutcome {
    const id = requestIdOf('discord', eventId);
    const request = requestRecord({
      id,
      door: 'discord',
      eventId,
      place: { door: 'discord', id: channelId, userId, ...(guildId === undefined ? {} : { guildId }) },
      plan,
      createdAt: new Date(),
      state: 'working',
    });
    const facts = { request, jobs: [jobRecord(0), jobRecord(1)], delivered: false };
    core.known.set(id, facts);
    track(follow(facts));
    return { outcome: 'accepted', requestId: id, created: true, isPrivate: false };
  }

  function track(work: Promise<void>): void {
    const tracked = work.finally(() => underway.delete(tracked));
    underway.add(tracked);
  }

  /** Simulated seconds. */
  const wait = (seconds: number): Promise<void> => delay((seconds * 1_000) / speed);

  /** A request's way: it waits, it is drawn with progress, it ends; its deliveries are sent as the bot's worker would. */
  async function follow(facts: CardFacts): Promise<void> {
    const { id } = facts.request;
    await deliver('card', facts);
    await wait(5 + random() * 60);
    const drawSeconds = random() < 0.03 ? 1_000 : 10 + random() * 50;
    for (let done = 0; done < 1; done += 0.5 / Math.max(1, drawSeconds / 2)) {
      const jobs = facts.jobs.map((job) => ({ ...job, state: 'running' as const, version: Math.round(done * 1_000) }));
      core.tell({ ...facts, jobs }, 'progress');
      await wait(1);
    }
    const ended: CardFacts = {
      request: { ...facts.request, state: 'succeeded', finishedAt: new Date() },
      jobs: [finishedJob(0), finishedJob(1)],
      delivered: true,
    };
    core.known.set(id, ended);
    const isLate = Date.now() - facts.request.createdAt.getTime() > (15 * 60_000) / speed;
    requests.set(id, { facts: ended, endedAt: discord.now(), sentAt: undefined, isLate });
    await deliver('result', ended);
    const one = requests.get(id);
    if (one !== undefined) one.sentAt = discord.now();
    await deliver('ping', ended);
    settle(id);
  }

  async function deliver(kind: DeliveryKind, facts: CardFacts): Promise<void> {
    const { id: requestId } = facts.request;
    const sendingAt = new Date();
    let triedBefore = false;
    for (let attempts = 1; ; attempts++) {
      const cardRef = refs.get(requestId)?.card ?? null;
      const more = { epoch: attempts, attempts, triedBefore, sendingAt, cardRef };
      const outcome = await adapter.send(claimedDelivery(kind, facts, more), async () => facts);
      if (outcome.outcome === 'sent') {
        refs.set(requestId, { ...refs.get(requestId), [kind]: outcome.messageRef });
        return;
      }
      if (outcome.outcome !== 'postponed') return;
      triedBefore = !outcome.certainlyNotSent;
      await delay(Math.max(10, outcome.afterMs));
    }
  }

  /** Counts what came of a request while its messages are still there. */
  function settle(id: string): void {
    const one = requests.get(id);
    if (one === undefined) return;
    const { place } = one.facts.request;
    const messageId = String(refs.get(id)?.result?.['messageId']);
    const withPictures = discord.state
      .inChannel(place.id)
      .filter((message) => message.attachments.length > 0 && JSON.stringify(message.components).includes(id));
    if (withPictures.length === 0) finishedResults.never += 1;
    else if (withPictures.length > 1 || withPictures[0]?.id !== messageId) finishedResults.twice += 1;
    else finishedResults.once += 1;
    if (one.isLate) finishedResults.late += 1;
    if (one.sentAt !== undefined) resultSeconds.push(((one.sentAt - one.endedAt) / 1_000) * speed);
    const edits = withPictures[0]?.editedAt.slice(0, -1) ?? [];
    const gaps = edits.slice(1).map((at, index) => at - (edits[index] ?? 0));
    if (gaps.some((gap) => gap < (3_000 / speed) * 0.95)) tooOftenEdited += 1;
    requests.delete(id);
    refs.delete(id);
    core.known.delete(id);
  }

  async function act(): Promise<void> {
    const person = team[Math.floor(random() * team.length)];
    const place = places[Math.floor(random() * places.length)];
    if (person === undefined || place === undefined) return;
    const choice = random();
    try {
      interactions += 1;
      const { answeredAfterMs } =
        choice < 0.6
          ? await person.slash('imagine', { prompt: 'a red fox in snow', count: 2 }, place)
          : await person.slash(choice < 0.8 ? 'queue' : 'help', {}, place);
      if (answeredAfterMs !== undefined) acknowledgements.push(answeredAfterMs);
    } catch {
      unanswered += 1;
    }
  }

  /** What a day does to a connection: lines break, Discord asks to come again, forgets sessions, refuses everything. */
  function disturb(elapsedSeconds: number): void {
    const minute = Math.floor(elapsedSeconds / 10);
    const kind = minute % 4;
    if (kind === 0) discord.gateway.askToReconnect();
    else if (kind === 1) discord.limits.beginStorm(60_000);
    else if (kind === 2) discord.gateway.drop();
    else discord.failNext('PATCH', /./, { status: 502 });
  }

  return {
    async run(realSeconds: number, say: (line: string) => void): Promise<void> {
      startedAt = Date.now();
      loopDelay.enable();
      const perSecond = ((requestsADay / 0.6) * speed) / daySeconds;
      let disturbedAt = 0;
      let saidAt = 0;
      while (Date.now() - startedAt < realSeconds * 1_000) {
        const elapsedSeconds = (Date.now() - startedAt) / 1_000;
        track(act());
        mostInvalid = Math.max(mostInvalid, discord.limits.counts.invalid);
        if (elapsedSeconds - disturbedAt > 10) {
          disturbedAt = elapsedSeconds;
          disturb(elapsedSeconds);
        }
        if (elapsedSeconds - saidAt > 30) {
          saidAt = elapsedSeconds;
          say(`  ${elapsedSeconds.toFixed(0)} s: ${finishedResults.once} results, ${underway.size} under way`);
          // Nobody looks at what is two simulated hours old.
          discord.state.forgetBefore(discord.now() - (2 * 3_600_000) / speed);
        }
        // A Poisson process: people do not take turns.
        await delay((-Math.log(1 - random()) / perSecond) * 1_000);
      }
      while (underway.size > 0) await Promise.all(underway);
      endedAt = Date.now();
      loopDelay.disable();
    },
    summary(): DiscordSoak {
      const refusals: Record<string, number> = {};
      for (const { status, code } of discord.refusals()) {
        const key = `${status}${code === undefined || code === 0 ? '' : ` ${code}`}`;
        refusals[key] = (refusals[key] ?? 0) + 1;
      }
      const realSeconds = (endedAt - startedAt) / 1_000;
      const { once, never, twice } = finishedResults;
      return {
        realSeconds,
        simulatedHours: (realSeconds * speed) / 3_600,
        requests: once + never + twice,
        interactions,
        acknowledgementMs: { ...describeValues(acknowledgements), p999: quantile(acknowledgements, 0.999) },
        unanswered,
        calls: discord.calls.length,
        refusals,
        mostInvalidInTenMinutes: mostInvalid,
        early: discord.limits.counts.early,
        results: finishedResults,
        resultSeconds: describeValues(resultSeconds),
        tooOftenEdited,
        residentMegabytes: process.memoryUsage.rss() / 1_048_576,
        loopDelayMs: { p99: loopDelay.percentile(99) / 1e6, max: loopDelay.max / 1e6 },
      };
    },
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/** Numbers from 0 to 1 that a seed repeats: mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function formatDiscord(soak: DiscordSoak): string[] {
  const { acknowledgementMs: ack, results, resultSeconds } = soak;
  const refusals = Object.entries(soak.refusals).map(([what, count]) => `${count} × ${what}`);
  return [
    `  ${soak.simulatedHours.toFixed(1)} simulated hours in ${soak.realSeconds.toFixed(0)} s: ${soak.requests} requests, ${soak.interactions} interactions`,
    `  acknowledged (real time)          p50 ${ack.p50.toFixed(0)} ms, p99 ${ack.p99.toFixed(0)} ms, p99.9 ${ack.p999.toFixed(0)} ms   goal p99.9 <= 1000 ms; unanswered ${soak.unanswered}`,
    `  invalid requests in 10 sim. min   ${soak.mostInvalidInTenMinutes}   goal <= 50 (${refusals.join(', ') || 'none refused'})`,
    `  calls before retry_after          ${soak.early}   goal 0`,
    `  results                           ${results.once} once, ${results.never} never, ${results.twice} twice; ${results.late} of them after 15 min   goal all once`,
    `  end -> pictures (simulated)       p50 ${resultSeconds.p50.toFixed(1)} s, p99 ${resultSeconds.p99.toFixed(1)} s`,
    `  messages edited more often than once in 3 sim. s   ${soak.tooOftenEdited}   goal 0`,
    `  timers late (this machine)        p99 ${soak.loopDelayMs.p99.toFixed(0)} ms, max ${soak.loopDelayMs.max.toFixed(0)} ms`,
    `  resident, with the fake           ${soak.residentMegabytes.toFixed(0)} MB`,
  ];
}

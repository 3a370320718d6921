/*
 * npm run bench -- --help
 *
 * Measures, prints each figure beside its goal, and writes bench-results/<name>.json. Timings depend on the machine; they
 * are for reading, never for passing or failing.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { runCommandLine, UsageError, type CommandCall } from '@atelier/shared/config/command-line';
import { intSetting } from '@atelier/shared/config/parse-config';
import { createRunFolder, embeddedServers } from '../support/embedded-servers.ts';
import type { PlatformServers } from '../support/platform.ts';
import { benchAgent, formatAgent } from './bench-agent.ts';
import { benchComfyui, formatComfyui } from './bench-comfyui.ts';
import { benchDiscord, formatDiscord } from './bench-discord.ts';
import { benchDoor, formatDoor } from './bench-door.ts';
import { benchPath, formatPath } from './bench-path.ts';
import { benchEstimate, formatEstimate } from './bench-estimate.ts';
import { benchGateway, formatGateway } from './bench-gateway.ts';
import { benchHistory, formatHistory } from './bench-history.ts';
import { benchSchedule, formatSchedule } from './bench-schedule.ts';
import { benchWorker, formatWorker, fullSize, quickSize } from './bench-worker.ts';
import { benchStart, formatStart } from './bench-start.ts';
import { benchTelegram, formatTelegram } from './bench-telegram.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

interface BenchOptions {
  /** A CSV; the built-in generator without one. */
  trace?: string | undefined;
  seed: number;
  /** A small part of the jobs. */
  quick: boolean;
  /** Of real time. */
  minutes?: number | undefined;
}

interface Bench {
  about: string;
  run(runs: number | undefined, options: BenchOptions): Promise<{ result: unknown; lines: string[] }>;
}

const benches: Record<string, Bench> = {
  comfyui: {
    about: 'packages/comfyui: registry, search, validation, conversion, memory',
    async run(runs = 5) {
      const result = await benchComfyui(runs, say);
      return { result, lines: formatComfyui(result) };
    },
  },
  agent: {
    about: 'tokens of prompt and tools, of 20 scripted tasks, from the cache; notation against JSON',
    async run() {
      const result = await benchAgent(say);
      return { result, lines: formatAgent(result) };
    },
  },
  gateway: {
    about: 'the HTTP interface: progress to 200 sockets, submitting, downloads',
    async run(runs = 200) {
      const gateway = await withServers((servers) => benchGateway(servers, runs, say));
      return { result: { gateway }, lines: formatGateway(gateway) };
    },
  },
  door: {
    about: 'POST /prompt through the ComfyUI-compatible door beside ComfyUI alone',
    async run(runs = 200) {
      const door = await withServers((servers) => benchDoor(servers, runs, say));
      return { result: { door }, lines: formatDoor(door) };
    },
  },
  schedule: {
    about: 'four schedulers replayed on a trace: swaps, waits, fairness, decision time',
    async run(_runs, { trace, seed }) {
      const result = await benchSchedule(trace, seed, say);
      return { result, lines: formatSchedule(result) };
    },
  },
  estimate: {
    about: 'service and waiting times forecast on a trace: coverage and error',
    async run(_runs, { trace, seed }) {
      const result = await benchEstimate(trace, seed, say);
      return { result, lines: formatEstimate(result) };
    },
  },
  worker: {
    about: 'workers on simulated ComfyUIs: GPU idle gaps, jobs a second, statements a job, beside other queues',
    async run(_runs, { quick }) {
      const result = await withServers((servers) => benchWorker(servers, quick ? quickSize : fullSize, say));
      return { result, lines: formatWorker(result) };
    },
  },
  discord: {
    about: "a day's load of ten teams in Discord at 60 times its pace (--minutes, 24 is the whole day)",
    async run(_runs, { minutes = 24, seed }) {
      const result = await benchDiscord({ minutes, seed }, say);
      return { result, lines: formatDiscord(result) };
    },
  },
  telegram: {
    about: "a day's load of ten teams in Telegram at 60 times its pace (--minutes, 24 is the whole day)",
    async run(_runs, { minutes = 24, seed }) {
      const result = await withServers((servers) => benchTelegram(servers, minutes, seed, say));
      return { result, lines: formatTelegram(result) };
    },
  },
  history: {
    about: 'every statement of a job and of its card, with a short history and a million finished jobs (--runs)',
    async run(runs = 1_000_000) {
      const result = await withServers(({ databaseUrl }) => benchHistory(databaseUrl, runs, say));
      return { result, lines: formatHistory(result) };
    },
  },
  path: {
    about: 'from a request to its picture: latencies, memory, start-up',
    async run(runs = 200) {
      const path = await withServers((servers) => benchPath(servers, runs, say));
      const start = await benchStart(say);
      return { result: { path, start }, lines: [...formatPath(path), ...formatStart(start)] };
    },
  },
};

/** NATS and Postgres as `npm start` runs them: what is acknowledged is on disk. */
async function withServers<T>(use: (servers: PlatformServers) => Promise<T>): Promise<T> {
  const folder = await createRunFolder();
  const source = embeddedServers(folder, say, { durable: true });
  const [nats, postgres] = await Promise.all([source.nats(), source.postgres()]);
  try {
    return await use({
      natsUrl: nats.url,
      databaseUrl: postgres.url,
      natsPrefix: `b${randomBytes(4).toString('hex')}`,
      release: () => Promise.resolve(),
    });
  } finally {
    await Promise.all([nats.stop(), postgres.stop()]);
    await rm(folder, { recursive: true, force: true });
  }
}

const options = {
  runs: intSetting(1, 100_000_000).optional(),
  trace: z.string().min(1).optional(),
  seed: intSetting(0, 0xffff_ffff).default(1),
  minutes: z.coerce.number({ error: 'must be a number of minutes' }).positive().optional(),
  quick: z.boolean().default(false),
  json: z.boolean().default(false),
};

const usage = `npm run bench -- [NAME …] [options]

Measures, prints each figure beside its goal, and writes bench-results/NAME.json. All of them unless some are named:

${Object.entries(benches)
  .map(([name, { about }]) => `  ${name.padEnd(14)}${about}`)
  .join('\n')}

  --runs N      how often, or over how much
  --trace FILE  a CSV of runs for schedule and estimate, which else make one up
  --seed N      of what is made up (1)
  --minutes N   of real time, for discord and telegram
  --quick       worker: a small part of the jobs
  --json        prints what it writes`;

async function main({ values, words }: CommandCall<typeof options>): Promise<number> {
  const names = words.length > 0 ? words : Object.keys(benches);
  const unknown = names.filter((name) => benches[name] === undefined);
  if (unknown.length > 0) throw new UsageError(`There is no bench ${unknown.join(', ')}`);
  const { runs, json, ...rest } = values;
  await mkdir('bench-results', { recursive: true });
  for (const name of names) {
    const bench = benches[name];
    if (bench === undefined) continue;
    say(`bench ${name}: ${bench.about}`);
    const { result, lines } = await bench.run(runs, rest);
    await writeFile(`bench-results/${name}.json`, `${JSON.stringify(result, undefined, 2)}\n`);
    if (json) console.log(JSON.stringify({ bench: name, result }));
    else for (const line of lines) console.log(line);
  }
  return 0;
}

process.exitCode = await runCommandLine({ usage, options, takesWords: true }, process.argv.slice(2), main);

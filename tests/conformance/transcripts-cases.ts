import { isDeepStrictEqual } from 'node:util';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { exampleImage } from '@atelier/comfyui-sim/picture/example-image';
import { defaultProfile } from '@atelier/comfyui-sim/profile/service-profile';
import { createGatedClock } from './gated-clock.ts';
import { normalise } from './normalise.ts';
import type { Names } from './normalise.ts';
import { replayScenario } from './replay-scenario.ts';
import type { Replay } from './replay-scenario.ts';
import { isRunEvent, loadTranscripts } from './transcript.ts';
import type { HttpCall, SocketEvent, TranscriptVersion } from './transcript.ts';

/** How one recorded scenario compares with its replay. */
export interface ScenarioResult {
  name: string;
  /** HTTP answers and socket messages compared, and how many of them agree. */
  total: number;
  agreed: number;
  /** The first differences, for people. */
  differences: string[];
}

const maxDifferences = 5;

/** Pictures that the recorded servers already had: later names count on from them. */
const earlierFiles: Readonly<Record<TranscriptVersion, Readonly<Record<string, number>>>> = {
  '0.3.64': { rec_: 12, 'sub/img_': 24 },
  '0.8.0': { rec_: 8, 'sub/img_': 24 },
};

async function seedFiles(version: TranscriptVersion): Promise<Record<string, Buffer>> {
  const bytes = await exampleImage();
  const files: Record<string, Buffer> = {};
  for (const [prefix, count] of Object.entries(earlierFiles[version])) {
    for (let number = 1; number <= count; number += 1)
      files[`output/${prefix}${String(number).padStart(5, '0')}_.png`] = bytes;
  }
  return files;
}

/** Replays every recorded scenario of a version against one simulator, in recording order. */
export async function replayTranscripts(version: TranscriptVersion): Promise<ScenarioResult[]> {
  const clock = createGatedClock();
  const errors: unknown[] = [];
  const simulator = createSimulator({
    version,
    inventory: 'recorded',
    clock,
    speed: 1,
    // Each node and each step sleeps, so that the run can be held there.
    profile: { ...defaultProfile, nodeMs: {}, defaultNodeMs: 10, stepMs: { ...defaultProfile.stepMs, other: 5_000 } },
    seedFiles: await seedFiles(version),
    onError: (error) => errors.push(error),
  });
  const { url } = await simulator.start();
  const results: ScenarioResult[] = [];
  try {
    for (const transcript of loadTranscripts(version)) {
      try {
        results.push(compareReplay(transcript.name, await replayScenario(url, clock, transcript)));
      } catch (error) {
        const total = transcript.entries.length;
        results.push({
          name: transcript.name,
          total,
          agreed: 0,
          differences: [error instanceof Error ? error.message : String(error)],
        });
      }
    }
  } finally {
    clock.setGate(() => Promise.resolve());
    await simulator.stop();
  }
  if (errors.length > 0) throw new AggregateError(errors, 'The simulator stumbled during the replay.');
  return results;
}

function comparableCall(call: HttpCall, names: Names): unknown {
  const { method, path, status, content_type, disposition, response } = call;
  const hasBytes = typeof response === 'object' && response !== null && 'bytes' in response;
  const isLog = path.startsWith('/internal/logs');
  return normalise(
    {
      method,
      path,
      status,
      content_type,
      disposition,
      response: hasBytes ? '<bytes>' : isLog ? typeof response : response,
    },
    names,
  );
}

/** Everything but the length of pictures. */
function comparableEvent(event: SocketEvent, names: Names): unknown {
  if ('message' in event) return normalise(event.message, names);
  return normalise({ ...event.frame, length: 0 }, names);
}

function statuses(events: readonly SocketEvent[]): unknown[] {
  return events.flatMap((event) => ('message' in event && event.message.type === 'status' ? [event.message.data] : []));
}

function features(events: readonly SocketEvent[]): unknown[] {
  return events.flatMap((event) =>
    'message' in event && event.message.type === 'feature_flags' ? [event.message.data] : [],
  );
}

const endings = new Set(['execution_success', 'execution_error', 'execution_interrupted']);

/** The types of the messages from the end of each run to the next one: success, status, executing. */
function endOrders(events: readonly SocketEvent[]): string[][] {
  const types = events.flatMap((event) =>
    'message' in event && event.message.type !== 'feature_flags' ? [event.message.type] : [],
  );
  return types.flatMap((type, index) => (endings.has(type) ? [types.slice(index, index + 3)] : []));
}

/** Compares item by item; a missing or additional one is a difference. */
function compareLists(
  what: string,
  recorded: readonly unknown[],
  replayed: readonly unknown[],
  result: ScenarioResult,
): void {
  const length = Math.max(recorded.length, replayed.length);
  result.total += length;
  for (let index = 0; index < length; index += 1) {
    if (isDeepStrictEqual(recorded[index], replayed[index])) result.agreed += 1;
    else if (result.differences.length < maxDifferences) {
      result.differences.push(
        `${what} ${index}: recorded ${JSON.stringify(recorded[index])}, replayed ${JSON.stringify(replayed[index])}`,
      );
    }
  }
}

function compareReplay(name: string, { recorded, replayed, names }: Replay): ScenarioResult {
  const result: ScenarioResult = { name, total: 0, agreed: 0, differences: [] };
  const calls = (list: readonly HttpCall[], own: Names): unknown[] => list.map((call) => comparableCall(call, own));
  const events = (list: readonly SocketEvent[], own: Names): unknown[] =>
    list.filter(isRunEvent).map((event) => comparableEvent(event, own));
  // Socket first on both sides: it shows temp prefixes in the order in which they were made.
  compareLists('socket', events(recorded.events, names.recorded), events(replayed.events, names.replayed), result);
  compareLists('http', calls(recorded.calls, names.recorded), calls(replayed.calls, names.replayed), result);
  compareLists('status', statuses(recorded.events), statuses(replayed.events), result);
  compareLists('feature_flags', features(recorded.events), features(replayed.events), result);
  compareLists('end of run', endOrders(recorded.events), endOrders(replayed.events), result);
  return result;
}

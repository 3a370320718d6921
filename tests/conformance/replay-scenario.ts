import type { GatedClock } from './gated-clock.ts';
import { createNames } from './normalise.ts';
import type { Names } from './normalise.ts';
import { promptIdOf, sendRecorded, translateIds, uploadsOf } from './recorded-call.ts';
import { connectRecordingSocket } from './recording-socket.ts';
import type { RecordingSocket } from './recording-socket.ts';
import { isRunEvent } from './transcript.ts';
import type { HttpCall, SocketEvent, Transcript } from './transcript.ts';

/** What a replay saw, beside what was recorded. */
export interface Replay {
  recorded: { events: SocketEvent[]; calls: HttpCall[] };
  replayed: { events: SocketEvent[]; calls: HttpCall[] };
  names: { recorded: Names; replayed: Names };
}

function endsRun(event: SocketEvent, promptId: string): boolean {
  if (!('message' in event) || event.message.type !== 'executing') return false;
  return event.message.data['node'] === null && event.message.data['prompt_id'] === promptId;
}

/** The prompt whose finished history a call reads, if it does. */
function finishedPromptOf(recorded: HttpCall): string | undefined {
  const match = /^\/history\/(.+)$/.exec(recorded.path);
  const { response } = recorded;
  const isEmpty = typeof response === 'object' && response !== null && Object.keys(response).length === 0;
  return match?.[1] === undefined || isEmpty ? undefined : match[1];
}

/**
 * Sends a scenario's calls in their order, each as soon as the run has come as far as it had in the recording, and
 * collects what comes back. The simulated GPU stands still meanwhile, so that what is running keeps running.
 */
export async function replayScenario(url: string, clock: GatedClock, transcript: Transcript): Promise<Replay> {
  const events = transcript.entries.filter((entry): entry is SocketEvent => !('call' in entry));
  const calls = transcript.entries.flatMap((entry) => ('call' in entry ? [entry.call] : []));
  const socket = await connectRecordingSocket(url, 'recorder', !transcript.name.includes('no-preview-metadata'));
  const gate = createGate(socket);
  clock.setGate(gate.pass);
  const ids = new Map<string, string>();
  const names = { recorded: createNames(), replayed: createNames() };
  const posts: string[] = [];
  const replayed: HttpCall[] = [];
  const uploads = calls.some((each) => each.multipart === true) ? await uploadsOf(transcript.name) : [];
  let runEvents = 0;
  try {
    for (const entry of transcript.entries) {
      if (!('call' in entry)) {
        runEvents += isRunEvent(entry) ? 1 : 0;
        continue;
      }
      const finished = finishedPromptOf(entry.call);
      // The recorder's two logs are not in step: history may stand before the events that led to it.
      const target =
        finished === undefined
          ? runEvents
          : Math.max(runEvents, endOfRun(events, finished, posts.filter((id) => id === finished).length));
      await gate.reach(target);
      const answer = await sendRecorded(
        url,
        translateIds(entry.call, ids),
        entry.call.multipart === true ? uploads.shift() : undefined,
      );
      replayed.push({ ...answer, path: entry.call.path });
      const recordedId = promptIdOf(entry.call);
      const replayedId = promptIdOf(answer);
      if (recordedId !== undefined && replayedId !== undefined) {
        posts.push(recordedId);
        ids.set(recordedId, replayedId);
        names.recorded.learnId(recordedId);
        names.replayed.learnId(replayedId);
      }
    }
    await gate.reach(events.filter(isRunEvent).length);
    const statuses = (all: readonly SocketEvent[]): number =>
      all.filter((event) => 'message' in event && event.message.type === 'status').length;
    await socket.until(() => statuses(socket.events) >= statuses(events), `${statuses(events)} status messages`);
  } finally {
    gate.open();
    await socket.sync();
    await socket.close();
  }
  return { recorded: { events, calls }, replayed: { events: [...socket.events], calls: replayed }, names };
}

/** How many run events there are up to the end of the prompt's nth run. */
function endOfRun(events: readonly SocketEvent[], promptId: string, nth: number): number {
  let count = 0;
  let ends = 0;
  for (const event of events) {
    count += isRunEvent(event) ? 1 : 0;
    ends += endsRun(event, promptId) ? 1 : 0;
    if (ends === nth) return count;
  }
  return count;
}

/** Lets the run go on until so many of its events have arrived. */
function createGate(socket: RecordingSocket): {
  pass: () => Promise<void>;
  reach: (count: number) => Promise<void>;
  open: () => void;
} {
  let target = 0;
  let waiting: (() => void)[] = [];
  const received = (): number => socket.events.filter(isRunEvent).length;
  const release = (): void => {
    const all = waiting;
    waiting = [];
    for (const resume of all) resume();
  };
  return {
    pass: async () => {
      for (;;) {
        await socket.sync();
        if (received() < target) return;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    reach: async (count) => {
      target = count;
      release();
      await socket.until(() => received() >= count, `${count} events of the run (${received()} so far)`);
    },
    open: () => {
      target = Number.POSITIVE_INFINITY;
      release();
    },
  };
}

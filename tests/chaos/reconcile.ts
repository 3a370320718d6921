/** A prompt that started to run on a simulated GPU. Times in ms since 1970. */
export interface Execution {
  gpu: number;
  jobId: string;
  startedAt: number;
  endedAt: number | undefined;
  outcome: 'success' | 'error' | 'interrupted' | 'crashed' | undefined;
}

/** A stretch of time on one GPU: a ComfyUI that was away, or a worker that stood still. */
export interface Episode {
  gpu: number;
  from: number;
  to: number;
}

/** One request as Postgres has it at the end. */
export interface RequestEvidence {
  id: string;
  state: string;
  errorCode: string | undefined;
  /** Results on the page. */
  results: number;
  /** Files stored for it. */
  pictures: number;
}

export interface Evidence {
  /** What was answered with 202, by the id in that answer. */
  accepted: readonly { requestId: string; images: number }[];
  /** Pairs of ids that two answers to the same event named. */
  secondAnswers: readonly { first: string; second: string }[];
  requests: readonly RequestEvidence[];
  executions: readonly Execution[];
  crashes: readonly Episode[];
  stalls: readonly Episode[];
}

export interface Reconciliation {
  accepted: number;
  /** Accepted, and without a result on the page or with fewer pictures than were asked for. */
  lost: string[];
  /** More than one result, or more than one request of one event. */
  doubled: string[];
  /** Jobs that ran to their end and ran again, by what excuses it. */
  repeats: { underKills: string[]; afterComfyCrash: string[]; underStalls: string[] };
  /** Jobs that were interrupted on the GPU and began again: wasted time, no repeat. */
  begunAgain: number;
  states: Record<string, number>;
  /** Requests that ended without pictures, by the code of their error. */
  errors: Record<string, number>;
}

/** Compares what was promised with what was stored, shown and executed. */
export function reconcile(evidence: Evidence): Reconciliation {
  const rows = new Map(evidence.requests.map((row) => [row.id, row]));
  const lost = new Set<string>();
  const doubled = new Set<string>();
  for (const { requestId, images } of evidence.accepted) {
    const row = rows.get(requestId);
    if (row === undefined || row.results === 0) lost.add(requestId);
    else if (row.state === 'succeeded' && row.pictures < images) lost.add(requestId);
  }
  const acceptedIds = new Set(evidence.accepted.map(({ requestId }) => requestId));
  for (const row of evidence.requests) {
    if (row.results > 1) doubled.add(row.id);
    // Nobody was told of it, and whoever asked went on asking until another one was accepted.
    if (!acceptedIds.has(row.id)) doubled.add(row.id);
  }
  for (const { first, second } of evidence.secondAnswers) if (first !== second) doubled.add(second);

  const repeats: Reconciliation['repeats'] = { underKills: [], afterComfyCrash: [], underStalls: [] };
  let begunAgain = 0;
  const byJob = Map.groupBy(evidence.executions, ({ jobId }) => jobId);
  for (const [jobId, runs] of byJob) {
    const inOrder = runs.toSorted((a, b) => a.startedAt - b.startedAt);
    for (const [index, first] of inOrder.entries()) {
      const next = inOrder[index + 1];
      if (next === undefined) break;
      if (first.outcome === 'interrupted') begunAgain += 1;
      if (first.outcome !== 'success') continue;
      const between = (episode: Episode): boolean =>
        episode.gpu === first.gpu && episode.from <= next.startedAt && episode.to >= first.startedAt;
      if (evidence.crashes.some(between)) repeats.afterComfyCrash.push(jobId);
      else if (evidence.stalls.some(between)) repeats.underStalls.push(jobId);
      else repeats.underKills.push(jobId);
    }
  }
  return {
    accepted: acceptedIds.size,
    lost: [...lost],
    doubled: [...doubled],
    repeats,
    begunAgain,
    states: countBy(evidence.requests.map(({ state }) => state)),
    errors: countBy(evidence.requests.flatMap(({ errorCode }) => errorCode ?? [])),
  };
}

/** Whether the promises were kept: nothing lost, nothing doubled, no GPU repeat that neither a crash of ComfyUI nor a stall excuses. */
export function isKept({ lost, doubled, repeats }: Reconciliation): boolean {
  return lost.length === 0 && doubled.length === 0 && repeats.underKills.length === 0;
}

function countBy(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values.toSorted()) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

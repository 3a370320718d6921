/** When a process that we look after is started (again), and when it is given up on and ended. Times in ms, monotonic. */
export interface RestartRules {
  /** Before the second start; doubled with each further one. */
  firstWaitMs: number;
  longestWaitMs: number;
  /** A process that answered for this long has earned a fresh start. */
  healthyMs: number;
  /** It may take this long from its start to its first answer, or from its last answer to the next. */
  answerMs: number;
}

export const defaultRestartRules: RestartRules = {
  firstWaitMs: 1_000,
  longestWaitMs: 60_000,
  healthyMs: 60_000,
  // A node-heavy ComfyUI imports for minutes before it listens.
  answerMs: 300_000,
};

/** What was seen of the process. */
export interface ProcessFacts {
  /** Ours runs. */
  running: boolean;
  /** Something answers at its address, ours or not. */
  answers: boolean;
  now: number;
}

export interface RestartPolicy {
  /** What to do now. */
  decide(facts: ProcessFacts): 'start' | 'end' | 'nothing';
}

/** Builds the policy of one process: back-off between starts, patience while it comes up. */
export function createRestartPolicy(rules: RestartRules): RestartPolicy {
  let waitMs = rules.firstWaitMs;
  let notBefore = -Infinity;
  let startedAt = -Infinity;
  let answeredAt = -Infinity;
  let answeringSince: number | undefined;
  return {
    decide({ running, answers, now }) {
      if (answers) {
        answeringSince ??= now;
        answeredAt = now;
        if (now - answeringSince >= rules.healthyMs) waitMs = rules.firstWaitMs;
        return 'nothing';
      }
      answeringSince = undefined;
      if (running) return now - Math.max(startedAt, answeredAt) >= rules.answerMs ? 'end' : 'nothing';
      if (now < notBefore) return 'nothing';
      startedAt = now;
      notBefore = now + waitMs;
      waitMs = Math.min(waitMs * 2, rules.longestWaitMs);
      return 'start';
    },
  };
}

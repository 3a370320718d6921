import { spawn } from 'node:child_process';

// The guard's standard input is a pipe that only its parent holds: end of file means that the parent is gone, however it went.
const script = 'while read -r _; do :; done; kill -s "$2" "$1" 2>/dev/null';

export interface ParentGuard {
  /** Ends the guard and leaves the guarded process alone. */
  release(): void;
}

/**
 * Makes a server that is not ours (Postgres, NATS) end when this process dies, also by SIGKILL:
 * a shell in a session of its own waits for the end of a pipe and then signals `pid`.
 */
export function guardAgainstOrphan(pid: number, signal: 'INT' | 'TERM'): ParentGuard {
  const guard = spawn('/bin/sh', ['-c', script, 'parent-guard', String(pid), signal], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  guard.unref();
  if ('unref' in guard.stdin && typeof guard.stdin.unref === 'function') guard.stdin.unref();
  return {
    release() {
      // SIGKILL, because ending the pipe first would make the shell act.
      guard.kill('SIGKILL');
      guard.stdin.destroy();
    },
  };
}

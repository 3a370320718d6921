import { spawn, type SpawnOptions } from 'node:child_process';
import { guardAgainstOrphan } from './parent-guard.ts';

/** A server that is not ours, NATS or Postgres, on loopback. */
export interface ServerProcess {
  /** Where clients reach it, with its scheme and, where it asks for one, the password. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the server has ended, asked or not. Never rejects. */
  readonly exited: Promise<void>;
  /** Ends the server in good order and resolves when it is gone. */
  stop(): Promise<void>;
}

/** A TCP port of 127.0.0.1, or how to choose one: asked after a server left behind is ended, which may hold it. */
export type ServerPort = number | (() => Promise<number>);

export interface SpawnedServer {
  readonly pid: number;
  readonly exited: Promise<void>;
  hasExited(): boolean;
}

/**
 * Starts the program of a server and sees to it that it ends with this process, however that ends.
 *
 * @returns undefined when the program could not be started.
 */
export function spawnServer(
  program: string,
  args: readonly string[],
  options: Omit<SpawnOptions, 'detached'>,
): SpawnedServer | undefined {
  // A session of its own: Ctrl-C must reach the services first, which still need the server while they drain.
  const child = spawn(program, args, { ...options, detached: true });
  let isGone = false;
  const exited = new Promise<void>((resolve) => {
    const end = () => {
      isGone = true;
      resolve();
    };
    child.once('exit', end);
    child.once('error', end);
  });
  const { pid } = child;
  if (pid === undefined) return undefined;
  // SIGINT: a fast shutdown for Postgres, an orderly one for NATS.
  const guard = guardAgainstOrphan(pid, 'INT');
  void exited.then(() => guard.release());
  return { pid, exited, hasExited: () => isGone };
}

import { lastLine, runCommand } from '@atelier/launcher/child/run-command';

/** A docker command that failed. The message is one line; `output` is all that it said. */
export class DockerError extends Error {
  override readonly name = 'DockerError';
  readonly output: string;

  constructor(message: string, output: string) {
    super(message);
    this.output = output;
  }
}

export interface DockerOptions {
  /** Replaces this process's environment. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  timeoutMs?: number;
}

/** Runs `docker <args>` to its end. @returns what it printed, trimmed. @throws DockerError when it fails or takes longer. */
export async function docker(args: readonly string[], options: DockerOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runCommand('docker', args, { timeoutMs: 60_000, ...options });
  if (code === 0) return stdout.trim();
  const output = `${stdout}\n${stderr}`.trim();
  throw new DockerError(`docker ${args.slice(0, 3).join(' ')} failed: ${lastLine(stderr) || lastLine(stdout)}`, output);
}

/** The same, for questions whose answer may be "no": undefined when it fails. */
export async function askDocker(args: readonly string[]): Promise<string | undefined> {
  return docker(args).catch(() => undefined);
}

import { join } from 'node:path';

/** One of our programs. */
export interface Program {
  readonly name: string;
  /** Absolute path of its entry file. */
  readonly script: string;
}

/** The programs that a launcher runs. */
export interface Programs {
  /** Started when no COMFYUI_URL is set; takes `--host`, `--port`, `--dir` and `--speed`. */
  readonly simulator: Program;
  readonly services: readonly Program[];
}

/** The programs of a clone whose root folder is `root`. */
export function programsOf(root: string): Programs {
  const service = (name: string): Program => ({ name, script: join(root, 'services', name, 'src', 'main.ts') });
  return {
    simulator: { name: 'simulator', script: join(root, 'packages', 'comfyui-sim', 'bin', 'comfyui-sim.ts') },
    services: [service('bot'), service('agent'), service('comfy-worker'), service('gateway')],
  };
}

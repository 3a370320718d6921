import { familyOf } from './service-profile.ts';
import type { ServiceProfile } from './service-profile.ts';

/** What loading costs, and how often it happened. */
export interface GpuMemory {
  /** Reads a small model file (LoRA, VAE, ControlNet): milliseconds, 0 when it was read before. */
  readSmall: (name: string) => number;
  /** Makes a model with its LoRAs the one that samples: milliseconds for reading and for the swap. */
  makeResident: (name: string, loras: readonly string[]) => number;
  /** Forgets all that is loaded (`/free`, out of memory, restart). */
  unload: () => void;
  /** Models that took another's place, and first reads, since the start. */
  counts: () => { swaps: number; loads: number };
}

/** One sampling model at a time stays on the GPU; files that were read once stay in the machine's memory. */
export function createGpuMemory(profile: ServiceProfile): GpuMemory {
  const read = new Set<string>();
  let resident: string | undefined;
  let swaps = 0;
  let loads = 0;

  const firstRead = (name: string, costMs: number): number => {
    if (read.has(name)) return 0;
    read.add(name);
    return costMs;
  };

  return {
    readSmall: (name) => firstRead(name, profile.smallLoadMs),
    makeResident: (name, loras) => {
      const family = familyOf(name);
      const isFirstRead = !read.has(name);
      let costMs = firstRead(name, profile.loadMs[family]);
      if (isFirstRead) loads += 1;
      for (const lora of loras) costMs += firstRead(lora, profile.smallLoadMs);
      if (resident !== name) {
        if (resident !== undefined) {
          swaps += 1;
          costMs += profile.swapMs[family];
        }
        resident = name;
      }
      return costMs;
    },
    unload: () => {
      read.clear();
      resident = undefined;
    },
    counts: () => ({ swaps, loads }),
  };
}

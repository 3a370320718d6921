import type { JsonObject } from '@atelier/comfyui/json/json';
import type { SimClock } from './clock/sim-clock.ts';
import type { CacheMode } from './executor/output-cache.ts';
import type { FileStore } from './files/file-store.ts';
import type { Inventory } from './inventory/inventory.ts';
import type { ServiceProfile } from './profile/service-profile.ts';
import type { QueuedPrompt } from './queue/prompt-queue.ts';
import type { SimVersion } from './version/sim-version.ts';

export interface SimulatorOptions {
  /** `0.8.0` unless given. */
  version?: SimVersion;
  /** `127.0.0.1` unless given. */
  host?: string;
  /** 0, the default, takes a free one. A restart keeps it. */
  port?: number;
  /** Times the profile's speed: 2 is twice as fast, 0 (the default) does not wait at all. */
  speed?: number;
  profile?: ServiceProfile;
  /**
   * What one prompt takes on the GPU in all, in milliseconds at speed 1; undefined leaves it to the profile. For traces.
   * Without it and with `controls`, a number in `extra_data.simulated_service_ms` says it.
   */
  serviceTimeMs?: (item: QueuedPrompt) => number | undefined;
  /** `demo` (the default): believable names and the recorded ones; `recorded`: exactly the recorded servers' files. */
  inventory?: 'demo' | 'recorded' | Inventory;
  /** Node classes to add to the recorded ones, as `object_info` declares them; they run generically. */
  extraClasses?: JsonObject;
  /** Fills the registry up with made-up classes to this number. */
  classCount?: number;
  /** The classes that show lazy inputs, blocked branches and expansion. */
  testNodes?: boolean;
  cache?: CacheMode;
  /** Whether samplers send previews: true unless given. */
  previews?: boolean;
  /** Where files live; in memory unless given. */
  files?: FileStore;
  /** Files to begin with, by their path such as `input/photo.png`. */
  seedFiles?: Readonly<Record<string, Buffer>>;
  /** Serves `/sim/faults` and `/sim/log`: false unless given. */
  controls?: boolean;
  clock?: SimClock;
  /** Makes prompt ids and socket ids; random UUIDs unless given. */
  newId?: () => string;
  /** Makes the letters in names of temp files; random unless given. */
  randomLetters?: (count: number) => string;
  /** Called for bugs of the simulator; throws them into the process unless given. */
  onError?: (error: unknown) => void;
}

import { loadWindowsSeconds } from './wait-calibration.ts';

/** Work that was asked for, whatever became of it. */
export interface PastArrival {
  agoSeconds: number;
  /** What it took, or what is expected of it. */
  gpuSeconds: number;
}

/** How busy people have kept the GPUs of late: GPU seconds asked for, a second and GPU, over each of {@link loadWindowsSeconds}. */
export function recentLoads(arrivals: readonly PastArrival[], gpus: number): number[] {
  const sums = loadWindowsSeconds.map(() => 0);
  for (const { agoSeconds, gpuSeconds } of arrivals) {
    for (const [index, window] of loadWindowsSeconds.entries()) {
      if (agoSeconds <= window) sums[index] = (sums[index] ?? 0) + gpuSeconds;
    }
  }
  return sums.map((sum, index) => sum / ((loadWindowsSeconds[index] ?? 1) * Math.max(1, gpus)));
}

import { take, type Reading } from './reading.ts';

/** The length of a video in seconds, where the words say one. */
export function readDuration(reading: Reading): number | undefined {
  let seconds: number | undefined;
  take(
    reading,
    /(?:\b(?:for|lasting|of)\s+)?(?<![\d.])(\d{1,2}(?:\.\d)?)\s*-?\s*(?:s|secs?|seconds?)\b(?:\s+(?:long|video|clip))?|(\d{1,2}(?:\.\d)?)\s*秒(?:钟)?(?:长|的?视频)?/gi,
    ([english = '', chinese = '']) => {
      seconds ??= Number(english === '' ? chinese : english);
      return true;
    },
  );
  return seconds !== undefined && seconds >= 0.5 && seconds <= 30 ? seconds : undefined;
}

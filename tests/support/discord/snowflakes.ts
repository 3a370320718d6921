const discordEpochMs = 1_420_070_400_000;

/** Ids as Discord makes them: milliseconds since 2015 and a counter. */
export function createSnowflakes(now: () => number): () => string {
  let counter = 0n;
  return () => {
    counter = (counter + 1n) % 4_194_304n;
    return ((BigInt(Math.floor(now() - discordEpochMs)) << 22n) | counter).toString();
  };
}

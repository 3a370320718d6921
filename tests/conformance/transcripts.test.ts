import { describe, expect, it } from 'vitest';
import { replayTranscripts } from './transcripts-cases.ts';
import { scenarioOrder, transcriptVersions } from './transcript.ts';

describe.each(transcriptVersions)('the simulator as ComfyUI %s', (version) => {
  it('answers and tells every recorded scenario as the server did', { timeout: 60_000 }, async () => {
    const results = await replayTranscripts(version);
    expect(results.map((result) => result.name)).toEqual([...scenarioOrder]);
    expect(results.filter((result) => result.differences.length > 0)).toEqual([]);
    expect(results.every((result) => result.total > 0 && result.agreed === result.total)).toBe(true);
  });
});

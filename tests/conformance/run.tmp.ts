import { replayTranscripts } from './transcripts-cases.ts';
for (const v of ['0.8.0','0.3.64'] as const) { const t=performance.now(); for (const r of await replayTranscripts(v)) { console.log(v, r.name, `${r.agreed}/${r.total}`); for (const d of r.differences) console.log('    ', d.slice(0,700)); } console.log((performance.now()-t).toFixed(0)); }

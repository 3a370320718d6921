/*
 * One run of the comfyui bench, in a process of its own: what a first call costs (before the engine has compiled anything)
 * and what memory a registry takes can be measured once a process only. Started by bench-comfyui.ts with --expose-gc.
 * Prints one line of JSON.
 */
import { convertToApi } from '@atelier/comfyui/convert/to-api';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { parseRegistry } from '@atelier/comfyui/registry/parse-registry';
import { readRecordedObjectInfo } from '@atelier/comfyui/registry/recorded-registry';
import { createRegistrySearch } from '@atelier/comfyui/registry/search-registry';
import { validatePrompt } from '@atelier/comfyui/validate/validate-prompt';
import type { ComfyuiRun } from './bench-comfyui.ts';
import { largeObjectInfo, longWorkflow, workflowWithSubgraphs } from './comfyui-subjects.ts';

/** What people and agents look for: names, words, typing errors, types, conversions. */
const queries = [
  'KSampler',
  'load checkpoint',
  'load checkpint',
  'save image',
  'upscale image',
  'controlnet apply',
  'contrlnet',
  'lora',
  'latent to image',
  'what turns IMAGE into LATENT',
  'inpaint mask',
  'flux guidance',
  'video',
  'text encode',
  'blur',
  'background',
  'segs',
  'wan image to video',
  'CLIP_VISION',
  'canny edges',
];

function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('Start this with --expose-gc.');
  globalThis.gc();
}

function timed(run: () => unknown): number {
  const startedAt = performance.now();
  run();
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** The median of the last calls, the first ones being for the engine to compile the code. */
function warm(run: () => unknown, warmUps: number, calls: number): number {
  for (let call = 0; call < warmUps; call += 1) run();
  return median(Array.from({ length: calls }, () => timed(run)));
}

function measure(): ComfyuiRun {
  const text = readRecordedObjectInfo('0.3.64');
  const index = (objectInfo: string): void => void createRegistrySearch(parseRegistry(objectInfo));
  const coldIndexMs = timed(() => index(text));
  const indexMs = warm(() => index(text), 20, 11);

  const largeText = largeObjectInfo(5_000);
  collectGarbage();
  const heapBefore = process.memoryUsage().heapUsed;
  const registry = parseRegistry(largeText);
  const search = createRegistrySearch(registry);
  collectGarbage();
  const largeHeapMegabytes = (process.memoryUsage().heapUsed - heapBefore) / 1e6;
  const largeIndexMs = warm(() => index(largeText), 1, 5);

  const searchOnce = (query: string): number => timed(() => search.search(query));
  for (let round = 0; round < 10; round += 1) queries.forEach(searchOnce);
  const searchMs = median(Array.from({ length: 10 }, () => queries.map(searchOnce)).flat());

  const recorded = parseRegistry(readRecordedObjectInfo('0.8.0'));
  const prompt = stringifyJson(longWorkflow(60));
  const verdict = validatePrompt(recorded, prompt);
  if (verdict.status !== 200) throw new Error(`The bench's workflow is refused: ${JSON.stringify(verdict.error)}`);
  const validateMs = warm(() => validatePrompt(recorded, prompt), 200, 101);
  const file = workflowWithSubgraphs(recorded, 200);
  const convertedNodes = Object.keys(convertToApi(file, recorded).workflow).length;
  const convertMs = warm(() => convertToApi(file, recorded), 100, 51);
  if (convertedNodes < 200) throw new Error(`The bench's graph has only ${convertedNodes} nodes.`);
  return { coldIndexMs, indexMs, largeIndexMs, searchMs, validateMs, convertMs, largeHeapMegabytes };
}

console.log(JSON.stringify(measure()));

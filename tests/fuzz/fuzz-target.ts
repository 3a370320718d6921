import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { recordedRegistry } from '@atelier/comfyui/graph/testing/recorded-registry';
import type { Json } from '@atelier/comfyui/json/json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { customClasses, installedModels } from '@atelier/comfyui/recipes/testing/installed-models';
import { recipeWorkflows } from '@atelier/comfyui/recipes/testing/recipe-workflows';
import { readRecordedValidations } from '@atelier/comfyui/registry/recorded-registry';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import type { Random } from './random.ts';

/** One parser, or a group of them that read the same thing. */
export interface FuzzTarget {
  name: string;
  /** Inputs of up to 100 MB, run once each. Each call runs one and throws what the parser throws. */
  giants: readonly (() => void)[];
  /** Makes one random hostile input and runs the parser on it. */
  run(random: Random): void;
}

/** Honest inputs to start from, and what parsers need beside the input. */
export interface FuzzMaterial {
  registry: Registry;
  workflows: readonly [Workflow, ...Workflow[]];
  /** `workflows` as JSON, and prompts that a real server was asked to run. */
  prompts: readonly [string, ...string[]];
}

/** What the case limits are about: a text of this many characters must be refused or read, in time and within memory. */
export const giantSize = 100_000_000;

export function createMaterial(): FuzzMaterial {
  const registry = recordedRegistry('0.8.0', installedModels, customClasses);
  const [first, ...others] = recipeWorkflows(registry).map(({ workflow }) => workflow);
  if (first === undefined) throw new Error('The registry can run no recipe.');
  const recorded = readRecordedValidations('0.8.0').map((line) =>
    line.slice(line.indexOf('"prompt":') + '"prompt":'.length, line.lastIndexOf(',"status":')),
  );
  return {
    registry,
    workflows: [first, ...others],
    prompts: [
      stringifyJson(first),
      ...others.map((workflow) => stringifyJson(workflow)),
      ...recorded.filter(isReadable),
    ],
  };
}

/** Some recorded prompts are broken on purpose; mutations start from those that can be read. */
function isReadable(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Runs what may be refused: the outcome of a case is its first error that is not a ComfyError. */
export function allowed<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof ComfyError) return undefined;
    throw error;
  }
}

/** A chain of nodes, each fed by the one before. */
export function longChain(nodes: number): Workflow {
  const entries = Array.from({ length: nodes }, (_, index) => {
    const inputs: { [key: string]: Json } = index === 0 ? {} : { image: [String(index - 1), 0] };
    return [String(index), { class_type: index === nodes - 1 ? 'PreviewImage' : 'ImageInvert', inputs }] as const;
  });
  return Object.fromEntries(entries);
}

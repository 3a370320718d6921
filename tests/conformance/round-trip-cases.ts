import { isDeepStrictEqual } from 'node:util';
import { plain, roundTrip } from '@atelier/comfyui/convert/testing/round-trip';
import { recordedRegistry, recordedWorkflows } from '@atelier/comfyui/graph/testing/recorded-registry';
import { findCycle } from '@atelier/comfyui/graph/topology';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import { formatNotation } from '@atelier/comfyui/notation/format-notation';
import { parseNotation } from '@atelier/comfyui/notation/parse-notation';
import { customClasses, installedModels } from '@atelier/comfyui/recipes/testing/installed-models';
import { recipeWorkflows } from '@atelier/comfyui/recipes/testing/recipe-workflows';
import { recordedVersions } from '@atelier/comfyui/registry/recorded-registry';
import type { Registry } from '@atelier/comfyui/registry/registry';

/** How many workflows of one set came back unchanged. */
export interface RoundTripResult {
  /** Through which form, and which workflows. */
  name: string;
  agreed: number;
  total: number;
  /** Names of those that did not. */
  different: string[];
}

interface NamedWorkflow {
  name: string;
  workflow: Workflow;
}

/** Sends every recipe and every recorded prompt through link notation, and through the front-end format, and compares. */
export function runRoundTripCases(): RoundTripResult[] {
  return recordedVersions.flatMap((version) => {
    const registry = recordedRegistry(version, installedModels, customClasses);
    const recipes = recipeWorkflows(registry).map(({ id, workflow }) => ({ name: id, workflow }));
    const recorded = recordedWorkflows(version);
    // The front end cannot draw a circle.
    const drawable = recorded.filter(({ workflow }) => findCycle(workflow) === undefined);
    return [
      compare(`notation, recipes ${version}`, recipes, (workflow) => survivesNotation(workflow, registry)),
      compare(`notation, recorded ${version}`, recorded, (workflow) => survivesNotation(workflow, registry)),
      compare(`front end, recipes ${version}`, recipes, (workflow) => survivesFrontend(workflow, registry)),
      compare(`front end, recorded ${version}`, drawable, (workflow) => survivesFrontend(workflow, registry)),
    ];
  });
}

function compare(
  name: string,
  workflows: readonly NamedWorkflow[],
  survives: (workflow: Workflow) => boolean,
): RoundTripResult {
  const different = workflows.filter(({ workflow }) => !survives(workflow)).map((each) => each.name);
  return { name, agreed: workflows.length - different.length, total: workflows.length, different };
}

function survivesNotation(workflow: Workflow, registry: Registry): boolean {
  const back = parseNotation(formatNotation(workflow, registry), registry, { unknownNames: 'keep' });
  return isDeepStrictEqual(plain(back), plain(workflow));
}

/** What the front end adds by itself, initial values of widgets and titles, is expected to come back too. */
function survivesFrontend(workflow: Workflow, registry: Registry): boolean {
  const { back, expected } = roundTrip(workflow, registry);
  return isDeepStrictEqual(plain(back), plain(expected));
}

import { convertToApi } from '@atelier/comfyui/convert/to-api';
import { convertToFrontend } from '@atelier/comfyui/convert/to-frontend';
import { resolveDynamicPrompt } from '@atelier/comfyui/convert/dynamic-prompt';
import { cacheKeys } from '@atelier/comfyui/graph/cache-keys';
import { diffWorkflows } from '@atelier/comfyui/graph/diff-workflows';
import { estimateWork } from '@atelier/comfyui/graph/estimate-work';
import { parseWorkflow } from '@atelier/comfyui/graph/parse-workflow';
import { residencyKey } from '@atelier/comfyui/graph/residency';
import { findCycle, topologicalOrder } from '@atelier/comfyui/graph/topology';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { formatNotation } from '@atelier/comfyui/notation/format-notation';
import { parseNotation } from '@atelier/comfyui/notation/parse-notation';
import { checkPolicy } from '@atelier/comfyui/policy/check-policy';
import { parseRecipe } from '@atelier/comfyui/recipes/recipe';
import { recipeFromWorkflow } from '@atelier/comfyui/recipes/recipe-from-workflow';
import { validatePrompt } from '@atelier/comfyui/validate/validate-prompt';
import { workflowWithSubgraphs } from '../bench/comfyui-subjects.ts';
import { allowed, giantSize, longChain } from './fuzz-target.ts';
import type { FuzzMaterial, FuzzTarget } from './fuzz-target.ts';
import { filled, giantValues, giantWorkflows, hostileText, hostileValue, mutateText } from './hostile-json.ts';

const about = { id: 'mine', title: { en: 'Mine', zh: '我的' }, description: { en: 'Mine', zh: '我的' } };

/** What reads workflows, in each of their forms. */
export function workflowTargets({ registry, workflows, prompts }: FuzzMaterial): FuzzTarget[] {
  const subgraphs = stringifyJson(workflowWithSubgraphs(registry, 30));
  const files: [string, ...string[]] = [
    subgraphs,
    ...workflows.map((workflow) => stringifyJson(convertToFrontend(workflow, registry).workflow)),
  ];
  const [first, ...others] = workflows.map((workflow) => formatNotation(workflow, registry));
  const notations: [string, ...string[]] = [first ?? '', ...others];
  const stored = workflows.map((workflow) => recipeFromWorkflow(workflow, registry, about).recipe);
  const recipes: [string, ...string[]] = ['{}', ...stored.map((recipe) => JSON.stringify(recipe))];
  const chain = longChain(10_000);
  return [
    {
      name: 'validate',
      giants: [...giantValues(giantSize), () => stringifyJson(chain)].map(
        (text) => () => void validatePrompt(registry, text()),
      ),
      run: (random) => {
        const prompt = random.pick(prompts);
        const input = random.chance(0.7) ? hostileText(prompt, random) : hostileValue(prompt, random);
        validatePrompt(registry, input, {
          version: random.pick(['0.3.64', '0.8.0']),
          hashSeed: random.integer(2 ** 32),
        });
      },
    },
    {
      name: 'workflow',
      giants: [
        ...giantWorkflows(giantSize).map((text) => () => void parseWorkflow(parseJson(text()))),
        () => void topologicalOrder(chain),
        () => void cacheKeys(chain),
        () => void estimateWork(chain),
        () => void diffWorkflows(chain, longChain(9_999)),
      ],
      run: (random) => {
        const workflow = parseWorkflow(hostileValue(random.pick(prompts), random));
        findCycle(workflow);
        allowed(() => cacheKeys(workflow));
        estimateWork(workflow);
        allowed(() => diffWorkflows(workflow, random.pick(workflows)));
        allowed(() => diffWorkflows(random.pick(workflows), workflow));
        residencyKey(workflow);
        topologicalOrder(workflow);
      },
    },
    {
      name: 'policy',
      giants: [
        ...giantWorkflows(giantSize).map((text) => () => void checkPolicy(registry, parseJson(text()))),
        () => void checkPolicy(registry, chain),
      ],
      run: (random) => void checkPolicy(registry, hostileValue(random.pick(prompts), random)),
    },
    {
      name: 'convert',
      giants: [
        ...giantWorkflows(giantSize).map((text) => () => void convertToApi(parseJson(text()), registry)),
        () => void convertToFrontend(chain, registry),
      ],
      run: (random) => {
        const workflow = allowed(() => parseWorkflow(hostileValue(random.pick(prompts), random)));
        if (workflow !== undefined) allowed(() => convertToFrontend(workflow, registry));
        convertToApi(hostileValue(random.pick(files), random), registry);
      },
    },
    {
      name: 'notation',
      giants: [
        ...['[', '"', '#', '\n', 'a = KSampler(', 'a=', '(', '\\"', '{"a":'].map(
          (piece) => () => void parseNotation(filled(piece, giantSize), registry),
        ),
        ...['[', '"', '\n', 'a', '# c\n', 'a = X(b=', ' ', 'a = KSampler()\n', '{"a":'].map(
          (piece) => () => void parseNotation(filled(piece, 1_900_000), registry),
        ),
        () => void parseNotation(formatNotation(chain, registry), registry),
      ],
      run: (random) => {
        const workflow = allowed(() => parseWorkflow(hostileValue(random.pick(prompts), random)));
        if (workflow !== undefined) allowed(() => formatNotation(workflow, registry));
        let text = random.pick(notations);
        for (let change = random.integer(4); change >= 0; change -= 1) text = mutateText(text, random);
        parseNotation(text, registry, random.chance(0.5) ? {} : { unknownNames: 'keep' });
      },
    },
    {
      name: 'recipes',
      giants: [() => void recipeFromWorkflow(chain, registry, about)],
      run: (random) => {
        allowed(() => parseRecipe(hostileValue(random.pick(recipes), random)));
        recipeFromWorkflow(parseWorkflow(hostileValue(random.pick(prompts), random)), registry, about);
      },
    },
    {
      name: 'dynamic prompt',
      giants: ['{', '{a|', '/*', '//', '\\', '{a|b}', '|', '}'].map(
        (piece) => () => void resolveDynamicPrompt(filled(piece, 10_000_000), () => 0.5),
      ),
      run: (random) => {
        let text = '';
        for (let piece = random.integer(60); piece >= 0; piece -= 1)
          text += random.pick(['{', '|', '}', '//', '/*', '*/', '\\', 'fox', '\n', ' ']);
        resolveDynamicPrompt(text, () => random.next());
      },
    },
  ];
}

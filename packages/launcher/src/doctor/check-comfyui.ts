import { randomUUID } from 'node:crypto';
import { createComfyClient, type ComfyClient } from '@atelier/comfyui/client/comfy-client';
import { outputFiles } from '@atelier/comfyui/client/finished-prompt';
import { followPrompt } from '@atelier/comfyui/client/follow-prompt';
import { fitRecipe } from '@atelier/comfyui/recipes/fit-recipe';
import { instantiateRecipe } from '@atelier/comfyui/recipes/instantiate-recipe';
import { fittingRecipes, listRecipes } from '@atelier/comfyui/recipes/list-recipes';
import { parseRegistry } from '@atelier/comfyui/registry/parse-registry';
import type { Registry } from '@atelier/comfyui/registry/registry';
import { examine, type Finding } from './finding.ts';

const testPictureMs = 180_000;

export interface CheckComfyuiOptions {
  /** Undefined: the simulator would run. */
  url: string | undefined;
  /** Draw one small picture. */
  picture: boolean;
  say: (line: string) => void;
}

/** The ComfyUI at COMFYUI_URL: its version, which recipes can run there and why others cannot, one test picture. */
export async function checkComfyui(options: CheckComfyuiOptions): Promise<Finding[]> {
  const { url } = options;
  if (url === undefined) {
    return [{ name: 'ComfyUI', state: 'off', text: 'simulator (set COMFYUI_URL to use a real one)' }];
  }
  const client = createComfyClient({ baseUrl: url, clientId: randomUUID() });
  const found = await examine('ComfyUI', `start ComfyUI, or correct COMFYUI_URL (${new URL(url).host})`, async () => {
    const stats = await client.systemStats();
    const device = stats.devices[0];
    const memory = device === undefined ? '' : `, ${device.name}, ${(device.vramTotalBytes / 1e9).toFixed(0)} GB`;
    return { state: 'ok', text: `${stats.comfyuiVersion ?? 'unknown version'}${memory}` };
  });
  if (found.some((finding) => finding.state === 'broken')) return found;
  options.say('reading the node registry …');
  const registry = parseRegistry(await client.objectInfo());
  const recipes = describeRecipes(registry);
  if (!options.picture) return [...found, ...recipes];
  options.say('drawing a test picture …');
  return [...found, ...recipes, ...(await drawTestPicture(client, registry))];
}

function describeRecipes(registry: Registry): Finding[] {
  return listRecipes().map((recipe): Finding => {
    const fit = fitRecipe(recipe, registry);
    const name = 'Recipe';
    if (!fit.ok) {
      const reasons = fit.reasons.map((reason) => reason.en).join(' ');
      return { name, state: 'off', text: `${recipe.title.en}: cannot run here. ${reasons}` };
    }
    const models = Object.values(fit.models).join(', ');
    return { name, state: 'ok', text: `${recipe.title.en}${models === '' ? '' : ` with ${models}`}` };
  });
}

function drawTestPicture(client: ComfyClient, registry: Registry): Promise<Finding[]> {
  return examine('Picture', "read ComfyUI's own console: it says what failed", async () => {
    const [fitting] = fittingRecipes(registry, 'text-to-image');
    if (fitting === undefined) {
      return {
        state: 'broken',
        text: 'no recipe for text to image can run',
        advice: 'put a checkpoint into models/checkpoints',
      };
    }
    const { recipe } = fitting;
    const params = { prompt: 'a lighthouse', width: 512, height: 512 };
    const { workflow } = instantiateRecipe(recipe, params, registry, Math.random);
    const promptId = randomUUID();
    const startedAt = performance.now();
    const posted = await client.postPrompt({ promptId, workflow });
    if (posted.state === 'refused') {
      return {
        state: 'broken',
        text: `ComfyUI refuses ${recipe.id}: ${posted.error.message}`,
        advice: 'report this: the recipe does not fit this version',
      };
    }
    const result = await followPrompt({ client, promptId, deadlineAtMs: performance.now() + testPictureMs });
    if (result.state === 'failed')
      throw new Error(`${result.failure.exceptionType}: ${result.failure.exceptionMessage}`);
    if (result.state !== 'succeeded') throw new Error(`the test picture was ${result.state}`);
    const files = outputFiles(result.outputs).length;
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    return { state: files > 0 ? 'ok' : 'broken', text: `${recipe.title.en}: ${files} file in ${seconds} s` };
  });
}

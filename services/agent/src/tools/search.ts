import { z } from 'zod';
import { createRegistrySearch, type RegistrySearch } from '@atelier/comfyui/registry/search-registry';
import { listModels } from '@atelier/comfyui/registry/models';
import type { NodeClass, Registry } from '@atelier/comfyui/registry/registry';
import { nearestNames } from '@atelier/comfyui/notation/nearest-names';
import type { Catalog } from '../core/catalog.ts';
import { readerOf } from './picture-ref.ts';
import { requestLine } from './request-line.ts';
import { capped, defineTool, type AgentTool, type ToolContext, type ToolOutcome } from './tool.ts';
import { asData } from './untrusted-text.ts';

const MAX_LIMIT = 30;

const input = z.object({
  in: z.enum(['nodes', 'models', 'recipes', 'pictures']),
  query: z.string().max(200).optional().describe('words; empty lists all'),
  takes: z.string().max(60).optional().describe('nodes: input type, as LATENT'),
  gives: z.string().max(60).optional().describe('nodes: output type'),
  folder: z.string().max(60).optional().describe('models: as loras'),
  days: z.number().min(0.01).max(3650).optional().describe('pictures: at most so old'),
  limit: z.int().min(1).max(MAX_LIMIT).optional(),
});
type SearchInput = z.infer<typeof input>;

/** What exists here: node classes, model files, recipes, earlier pictures. Registries are indexed once each. */
export function createSearchTool(): AgentTool {
  const indexes = new WeakMap<Registry, RegistrySearch>();
  const indexOf = (registry: Registry): RegistrySearch => {
    const known = indexes.get(registry);
    if (known !== undefined) return known;
    const made = createRegistrySearch(registry);
    indexes.set(registry, made);
    return made;
  };
  return defineTool({
    name: 'search',
    description:
      'Find node classes, model files, recipes, or earlier requests with pictures ("yesterday\'s fox"). Only what it lists exists here.',
    input,
    readOnly: true,
    forDoors: true,
    timeoutMs: 10_000,
    execute(wanted, context) {
      switch (wanted.in) {
        case 'nodes':
          return Promise.resolve(found(searchNodes(wanted, context.catalog, indexOf), wanted, 'node classes'));
        case 'models':
          return Promise.resolve(found(searchModels(wanted, context.catalog), wanted, 'model files'));
        case 'recipes':
          return Promise.resolve(found(searchRecipes(wanted, context.catalog), wanted, 'recipes'));
        case 'pictures':
          break;
      }
      return searchPictures(wanted, context);
    },
  });
}

function found(lines: readonly string[], wanted: SearchInput, what: string): ToolOutcome {
  if (lines.length === 0) return { kind: 'result', content: `No ${what} fit; try other or fewer words.` };
  return { kind: 'result', content: asData(capped(lines, wanted.limit ?? 12)) };
}

function searchNodes(
  { query = '', takes, gives }: SearchInput,
  catalog: Catalog,
  indexOf: (registry: Registry) => RegistrySearch,
): string[] {
  const seen = new Set<string>();
  const filter = {
    limit: 60,
    ...(takes === undefined ? {} : { takes: takes.toUpperCase() }),
    ...(gives === undefined ? {} : { gives: gives.toUpperCase() }),
  };
  return catalog.registries.flatMap((registry) =>
    indexOf(registry)
      .search(query, filter)
      .flatMap(({ nodeClass }) => {
        if (seen.has(nodeClass.name)) return [];
        seen.add(nodeClass.name);
        return [nodeLine(nodeClass)];
      }),
  );
}

/** `KSampler (KSampler): MODEL, CONDITIONING, LATENT → LATENT. What it is for.` */
function nodeLine(nodeClass: NodeClass): string {
  const takes = [...new Set(nodeClass.inputs.flatMap(({ type }) => (isLinkType(type) ? [type] : [])))];
  const gives = nodeClass.outputs.map(({ type }) => type);
  const title = nodeClass.displayName === nodeClass.name ? '' : ` (${nodeClass.displayName})`;
  const about = nodeClass.description.replaceAll(/\s+/g, ' ').slice(0, 90);
  return `${nodeClass.name}${title}: ${takes.join(', ')} → ${gives.join(', ') || 'nothing'}${about === '' ? '' : `. ${about}`}`;
}

export function isLinkType(type: string): boolean {
  return !['INT', 'FLOAT', 'STRING', 'BOOLEAN', 'COMBO'].includes(type) && !type.startsWith('COMFY_');
}

function searchModels({ query = '', folder }: SearchInput, catalog: Catalog): string[] {
  const files = catalog.registries.flatMap((registry) =>
    [...listModels(registry).byFolder].flatMap(([name, list]) =>
      folder === undefined || name === folder.toLowerCase() ? list : [],
    ),
  );
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (text: string): boolean => words.every((word) => text.includes(word));
  const lines = [
    ...new Set(
      files
        .filter((file) => fits(`${file.name} ${file.family} ${file.folder}`.toLowerCase()))
        .map((file) => `${file.folder}/${file.name}${file.family === 'unknown' ? '' : ` (${file.family})`}`),
    ),
  ];
  if (lines.length > 0) return lines;
  return nearestNames(query, new Set(files.map(({ name }) => name)), 5).map((name) => `near: ${name}`);
}

function searchRecipes({ query = '' }: SearchInput, catalog: Catalog): string[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return catalog.recipes
    .filter((recipe) => {
      const text =
        `${recipe.id} ${recipe.kind} ${recipe.title.en} ${recipe.title.zh} ${recipe.description.en}`.toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .sort((a, b) => Number(catalog.reasons.has(a.id)) - Number(catalog.reasons.has(b.id)))
    .map((recipe) => {
      const reasons = catalog.reasons.get(recipe.id);
      const model = catalog.offers.find((offer) => offer.recipe === recipe)?.model;
      const state =
        reasons === undefined
          ? `runs${model === undefined ? '' : ` with ${model}`}`
          : `cannot run: ${reasons.map(({ en }) => en).join(' ')}`;
      return `${recipe.id} (${recipe.kind}${recipe.promptLanguages.length > 0 ? `, prompts in ${recipe.promptLanguages.join('/')}` : ''}): ${recipe.title.en}; ${state}`;
    });
}

async function searchPictures({ query = '', days, limit }: SearchInput, context: ToolContext): Promise<ToolOutcome> {
  const words = query.split(/[\s,，、]+/).filter((word) => word.length > 1 || /\p{Script=Han}/u.test(word));
  const rows = await context.reads.searchPictures(readerOf(context.requester), {
    words,
    limit: limit ?? 10,
    ...(days === undefined ? {} : { sinceMs: days * 86_400_000 }),
  });
  if (rows.length === 0) return { kind: 'result', content: 'No pictures fit; try other words or more days.' };
  return { kind: 'result', content: asData(rows.map((row) => requestLine(row, context.now, 120)).join('\n')) };
}

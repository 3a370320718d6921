import MiniSearch from 'minisearch';
import type { NodeClass, Registry } from './registry.ts';

export interface NodeSearchOptions {
  /** Only classes that take this type (`LATENT`), in a required or an optional input. */
  takes?: string;
  /** Only classes that give this type (`IMAGE`). */
  gives?: string;
  /** Most results; 20 by default. */
  limit?: number;
  /** Deprecated classes are left out unless this is true. */
  deprecated?: boolean;
}

export interface NodeMatch {
  nodeClass: NodeClass;
  /** Comparable within one search only; higher is better. */
  score: number;
}

/** Finds node classes by words and by the types that go in and out. */
export interface RegistrySearch {
  /**
   * Classes that match, best first: by name, display name, aliases, category, types and description, with room for typing errors.
   * An empty query lists the classes that the filters leave, by display name.
   */
  search(query: string, options?: NodeSearchOptions): NodeMatch[];
}

/** What people call things that the classes call otherwise. */
const commonAliases: ReadonlyMap<string, string> = new Map([
  ['CheckpointLoaderSimple', 'load model checkpoint'],
  ['KSampler', 'sample denoise generate'],
  ['CLIPTextEncode', 'prompt text positive negative'],
  ['EmptyLatentImage', 'size resolution width height canvas'],
  ['VAEDecode', 'latent to image'],
  ['VAEEncode', 'image to latent img2img'],
  ['VAEEncodeForInpaint', 'inpaint fill mask'],
  ['LoraLoader', 'style adapter lora'],
  ['UNETLoader', 'load diffusion model unet flux'],
  ['ControlNetApplyAdvanced', 'pose depth canny guide'],
  ['ImageUpscaleWithModel', 'upscale enlarge super resolution'],
  ['UpscaleModelLoader', 'load upscaler esrgan'],
  ['ImageScale', 'resize'],
  ['ImagePadForOutpaint', 'outpaint extend'],
  ['SaveImage', 'output write png'],
  ['LoadImage', 'open upload picture'],
]);

interface IndexedClass {
  id: number;
  name: string;
  title: string;
  aliases: string;
  category: string;
  types: string;
  description: string;
}

const queryCap = 200;

/** Words of a question that name nothing; they would match a large part of all classes by their beginnings. */
const fillers: ReadonlySet<string> = new Set([
  'a',
  'an',
  'and',
  'by',
  'for',
  'from',
  'in',
  'into',
  'is',
  'node',
  'nodes',
  'of',
  'on',
  'or',
  'that',
  'the',
  'to',
  'turn',
  'turns',
  'what',
  'which',
  'with',
]);

/** Indexes a registry once; searches take well under a millisecond. */
export function createRegistrySearch(registry: Registry): RegistrySearch {
  const classes = [...registry.classes.values()];
  const typesIn = classes.map(
    (nodeClass) => new Set(nodeClass.inputs.flatMap((input) => acceptedTypes(input.types, input))),
  );
  const typesOut = classes.map((nodeClass) => new Set(nodeClass.outputs.map(({ type }) => type)));
  const index = new MiniSearch<IndexedClass>({
    fields: ['name', 'title', 'aliases', 'category', 'types', 'description'],
    storeFields: [],
    tokenize: createTokenizer(),
    // The tokenizer has lower-cased every word already.
    processTerm: (term) => term,
    searchOptions: {
      boost: { name: 4, title: 4, aliases: 3, category: 1.5, types: 1, description: 1 },
      prefix: (term) => term.length >= 2,
      fuzzy: (term) => (term.length >= 4 ? 0.25 : false),
      maxFuzzy: 3,
      weights: { fuzzy: 0.3, prefix: 0.5 },
      processTerm: (term) => (fillers.has(term) ? null : term),
    },
  });
  index.addAll(classes.map(describe));
  const allTypes = new Set([...typesIn, ...typesOut].flatMap((types) => [...types]));

  function passes(position: number, options: NodeSearchOptions): boolean {
    const nodeClass = classes[position];
    if (nodeClass === undefined || (nodeClass.deprecated && options.deprecated !== true)) return false;
    if (options.takes !== undefined && typesIn[position]?.has(options.takes) !== true) return false;
    return options.gives === undefined || typesOut[position]?.has(options.gives) === true;
  }

  function list(options: NodeSearchOptions): NodeMatch[] {
    return classes
      .filter((_, position) => passes(position, options))
      .sort((a, b) => (a.displayName < b.displayName ? -1 : 1))
      .map((nodeClass) => ({ nodeClass, score: 1 }));
  }

  return {
    search(query, options = {}) {
      const limit = options.limit ?? 20;
      const text = query.trim().slice(0, queryCap);
      if (text === '') return list(options).slice(0, limit);
      const conversion = readConversion(text, allTypes);
      const found = index.search(text, { filter: ({ id }) => passes(Number(id), options) });
      const converts = (position: number): boolean =>
        conversion !== undefined && passes(position, { ...options, ...conversion });
      return found
        .flatMap(({ id, score }) => {
          const nodeClass = classes[Number(id)];
          if (nodeClass === undefined) return [];
          const factor = trust(nodeClass) * exactness(nodeClass, text) * (converts(Number(id)) ? 10 : 1);
          return [{ nodeClass, score: score * factor }];
        })
        .sort((a, b) => b.score - a.score)
        .slice(0, limit);
    },
  };
}

function acceptedTypes(types: readonly string[], input: NodeClass['inputs'][number]): readonly string[] {
  const dynamic = input.dynamic;
  if (dynamic?.kind === 'autogrow') return dynamic.template.types;
  if (dynamic?.kind === 'combo')
    return dynamic.choices.flatMap(({ inputs }) => inputs.flatMap((inner) => acceptedTypes(inner.types, inner)));
  return types;
}

function describe(nodeClass: NodeClass, id: number): IndexedClass {
  return {
    id,
    name: nodeClass.name,
    title: nodeClass.displayName === nodeClass.name ? '' : nodeClass.displayName,
    aliases: [...nodeClass.searchAliases, commonAliases.get(nodeClass.name) ?? ''].join(' '),
    category: nodeClass.category,
    types: [
      ...new Set([...nodeClass.inputs.flatMap(({ types }) => types), ...nodeClass.outputs.map(({ type }) => type)]),
    ].join(' '),
    description: nodeClass.description,
  };
}

/** Splits texts into lower-case words; `KSamplerAdvanced`, `VAEDecode` and `img2img` also give their parts. Words are split once. */
function createTokenizer(): (text: string) => string[] {
  const known = new Map<string, readonly string[]>();
  return (text) => {
    const words: string[] = [];
    for (const word of text.split(/[^\p{L}\p{N}]+/u)) {
      if (word === '') continue;
      let parts = known.get(word);
      if (parts === undefined) {
        parts = wordAndParts(word);
        known.set(word, parts);
      }
      words.push(...parts);
    }
    return words;
  };
}

function wordAndParts(word: string): readonly string[] {
  const parts = word.match(/\p{Lu}+(?=\p{Lu}\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lu}+|\p{N}+|\p{Lo}+/gu) ?? [];
  return (parts.length > 1 ? [word, ...parts] : [word]).map((part) => part.toLowerCase());
}

/** `latent to image`, `LATENT -> IMAGE`: what a class would have to take and give. */
function readConversion(query: string, types: ReadonlySet<string>): { takes: string; gives: string } | undefined {
  const match =
    /^(?:(?:what|which)\s.*?\s|(?:convert|turn|from)s?\s+)?(?:an?\s+)?([\p{L}_]+)\s*(?:\bto\b|\binto\b|->|→|2)\s*(?:an?\s+)?([\p{L}_]+)$/iu.exec(
      query,
    );
  const takes = match?.[1]?.toUpperCase();
  const gives = match?.[2]?.toUpperCase();
  if (takes === undefined || gives === undefined || !types.has(takes) || !types.has(gives)) return undefined;
  return { takes, gives };
}

/** Where words match equally, ComfyUI's own stable classes come first. */
function trust(nodeClass: NodeClass): number {
  const own = commonAliases.has(nodeClass.name) ? 1.6 : nodeClass.pack === 'core' ? 1 : 0.85;
  return own * (nodeClass.deprecated ? 0.5 : 1) * (nodeClass.experimental ? 0.9 : 1) * (nodeClass.isApiNode ? 0.7 : 1);
}

/** A query that is the name itself wins whatever else matches. */
function exactness(nodeClass: NodeClass, query: string): number {
  const wanted = query.toLowerCase();
  return nodeClass.name.toLowerCase() === wanted || nodeClass.displayName.toLowerCase() === wanted ? 10 : 1;
}

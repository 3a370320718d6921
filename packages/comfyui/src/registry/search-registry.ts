import MiniSearch from 'minisearch';
import { nearestNames } from '../notation/nearest-names.ts';
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
  title: string | undefined;
  aliases: string | undefined;
  category: string | undefined;
  description: string | undefined;
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
  const allTypes = new Set([...typesIn, ...typesOut].flatMap((types) => [...types]));
  const trusts = classes.map(trust);
  const byName = Map.groupBy(
    classes.flatMap(({ name, displayName }, position) =>
      [...new Set([name.toLowerCase(), displayName.toLowerCase()])].map((known) => ({ known, position })),
    ),
    ({ known }) => known,
  );
  const vocabulary = new Set<string>();
  const index = new MiniSearch<IndexedClass>({
    fields: ['name', 'title', 'aliases', 'category', 'description'],
    storeFields: [],
    tokenize: createTokenizer(),
    // The tokenizer has lower-cased every word already.
    processTerm: (term) => {
      vocabulary.add(term);
      return term;
    },
    searchOptions: {
      tokenize,
      boost: { name: 4, title: 4, aliases: 3, category: 1.5, description: 1 },
      prefix: (term) => term.length >= 2,
      // A word that some class has is no typing error.
      fuzzy: (term) => (term.length >= 4 && !vocabulary.has(term) ? 0.25 : false),
      maxFuzzy: 3,
      weights: { fuzzy: 0.3, prefix: 0.5 },
      processTerm: (term) => (fillers.has(term) ? null : term),
    },
  });
  index.addAll(classes.map(describe));
  const byTypeWord = positionsByTypeWord(typesIn, typesOut);

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

  /** Positions of classes that take or give a type with this word in its name, typing errors allowed. */
  function typed(word: string): readonly number[] {
    const exact = byTypeWord.get(word);
    if (exact !== undefined || word.length < 4 || vocabulary.has(word)) return exact ?? [];
    const [near] = nearestNames(word, byTypeWord.keys(), 1);
    return near === undefined ? [] : (byTypeWord.get(near) ?? []);
  }

  function scoreAll(text: string, options: NodeSearchOptions): Map<number, number> {
    const scores = new Map<number, number>();
    for (const { id, score } of index.search(text, { filter: ({ id }) => passes(Number(id), options) })) {
      scores.set(Number(id), score);
    }
    for (const word of new Set(tokenize(text))) {
      const positions = fillers.has(word) ? [] : typed(word);
      // What many classes have tells little: the inverse document frequency of BM25.
      const weight = Math.log(1 + (classes.length - positions.length + 0.5) / (positions.length + 0.5));
      for (const position of positions) {
        if (passes(position, options)) scores.set(position, (scores.get(position) ?? 0) + weight);
      }
    }
    return scores;
  }

  return {
    search(query, options = {}) {
      const limit = options.limit ?? 20;
      const text = query.trim().slice(0, queryCap);
      if (text === '') return list(options).slice(0, limit);
      const conversion = readConversion(text, allTypes);
      const exact = new Set(byName.get(text.toLowerCase())?.map(({ position }) => position));
      const ranked: { position: number; score: number }[] = [];
      for (const [position, score] of scoreAll(text, options)) {
        const converts = conversion !== undefined && passes(position, { ...conversion, deprecated: true });
        // A query that is the name itself wins whatever else matches.
        const factor = (trusts[position] ?? 1) * (exact.has(position) ? 10 : 1) * (converts ? 10 : 1);
        ranked.push({ position, score: score * factor });
      }
      return ranked
        .sort((a, b) => b.score - a.score || a.position - b.position)
        .slice(0, limit)
        .flatMap(({ position, score }) => {
          const nodeClass = classes[position];
          return nodeClass === undefined ? [] : [{ nodeClass, score }];
        });
    },
  };
}

/** Positions of classes by the words in the names of the types that they take and give. */
function positionsByTypeWord(
  typesIn: readonly ReadonlySet<string>[],
  typesOut: readonly ReadonlySet<string>[],
): ReadonlyMap<string, readonly number[]> {
  const byWord = new Map<string, number[]>();
  const split = createTokenizer();
  for (const [position, types] of typesIn.entries()) {
    const words = new Set([...types, ...(typesOut[position] ?? [])].flatMap(split));
    for (const word of words) {
      const positions = byWord.get(word);
      if (positions === undefined) byWord.set(word, [position]);
      else positions.push(position);
    }
  }
  return byWord;
}

function acceptedTypes(types: readonly string[], input: NodeClass['inputs'][number]): readonly string[] {
  const dynamic = input.dynamic;
  if (dynamic?.kind === 'autogrow') return dynamic.template.types;
  if (dynamic?.kind === 'combo')
    return dynamic.choices.flatMap(({ inputs }) => inputs.flatMap((inner) => acceptedTypes(inner.types, inner)));
  return types;
}

/** Empty texts are left out: going through 5,000 of them takes time. */
function describe(nodeClass: NodeClass, id: number): IndexedClass {
  const aliases = [...nodeClass.searchAliases, commonAliases.get(nodeClass.name) ?? ''].join(' ');
  return {
    id,
    name: nodeClass.name,
    title: nodeClass.displayName === nodeClass.name ? undefined : nodeClass.displayName,
    aliases: aliases || undefined,
    category: nodeClass.category || undefined,
    description: nodeClass.description || undefined,
  };
}

/** Splits a text into lower-case words; `KSamplerAdvanced`, `VAEDecode` and `img2img` also give their parts. */
function tokenize(text: string): string[] {
  return text.split(/[^\p{L}\p{N}]+/u).flatMap((word) => (word === '' ? [] : wordAndParts(word)));
}

/** As {@link tokenize}, for many texts: each word is split once. */
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

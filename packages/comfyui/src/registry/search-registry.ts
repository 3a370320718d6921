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
  /** Name and display name. */
  name: string;
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
  const takers = positionsByType(classes, takenTypes);
  const givers = positionsByType(classes, ({ outputs }) => outputs.map(({ type }) => type));
  const allTypes = new Set([...takers.keys(), ...givers.keys()]);
  const trusts = classes.map(trust);
  const vocabulary = new Set<string>();
  const index = new MiniSearch<IndexedClass>({
    fields: ['name', 'aliases', 'category', 'description'],
    storeFields: [],
    tokenize: createTokenizer(vocabulary),
    // The tokenizer has lower-cased every word already.
    processTerm: (term) => term,
    searchOptions: {
      tokenize,
      boost: { name: 4, aliases: 3, category: 1.5, description: 1 },
      prefix: (term) => term.length >= 2,
      // A word that some class has is no typing error.
      fuzzy: (term) => (term.length >= 4 && !vocabulary.has(term) ? 0.25 : false),
      maxFuzzy: 3,
      weights: { fuzzy: 0.3, prefix: 0.5 },
      processTerm: (term) => (fillers.has(term) ? null : term),
    },
  });
  index.addAll(classes.map(describe));
  const byTypeWord = positionsByTypeWord(takers, givers);

  /** Which positions the options leave. */
  function filterOf({ takes, gives, deprecated = false }: NodeSearchOptions): (position: number) => boolean {
    const taking = takes === undefined ? undefined : new Set(takers.get(takes));
    const giving = gives === undefined ? undefined : new Set(givers.get(gives));
    return (position) =>
      (deprecated || classes[position]?.deprecated === false) &&
      taking?.has(position) !== false &&
      giving?.has(position) !== false;
  }

  function list(options: NodeSearchOptions): NodeMatch[] {
    const passes = filterOf(options);
    return classes
      .filter((_, position) => passes(position))
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
    const passes = filterOf(options);
    const scores = new Map<number, number>();
    for (const { id, score } of index.search(text, { filter: ({ id }) => passes(Number(id)) })) {
      scores.set(Number(id), score);
    }
    for (const word of new Set(tokenize(text))) {
      const positions = fillers.has(word) ? [] : typed(word);
      // What many classes have tells little: the inverse document frequency of BM25.
      const weight = Math.log(1 + (classes.length - positions.length + 0.5) / (positions.length + 0.5));
      for (const position of positions) {
        if (passes(position)) scores.set(position, (scores.get(position) ?? 0) + weight);
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
      const converts = conversion === undefined ? undefined : filterOf({ ...conversion, deprecated: true });
      const name = text.toLowerCase();
      const ranked: { position: number; score: number }[] = [];
      for (const [position, score] of scoreAll(text, options)) {
        // A query that is the name itself wins whatever else matches.
        const exact = isCalled(classes[position], name) ? 10 : 1;
        const factor = (trusts[position] ?? 1) * exact * (converts?.(position) === true ? 10 : 1);
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

/** Whether a name in lower case is a class's name or display name. */
function isCalled(nodeClass: NodeClass | undefined, name: string): boolean {
  if (nodeClass === undefined) return false;
  const is = (own: string): boolean => own.length === name.length && own.toLowerCase() === name;
  return is(nodeClass.name) || is(nodeClass.displayName);
}

/** Positions of classes by the types that `typesOf` gives of each, in rising order. */
function positionsByType(
  classes: readonly NodeClass[],
  typesOf: (nodeClass: NodeClass) => readonly string[],
): ReadonlyMap<string, readonly number[]> {
  const byType = new Map<string, number[]>();
  for (const [position, nodeClass] of classes.entries()) {
    for (const type of typesOf(nodeClass)) {
      const positions = byType.get(type);
      if (positions === undefined) byType.set(type, [position]);
      else if (positions.at(-1) !== position) positions.push(position);
    }
  }
  return byType;
}

/** Positions of classes by the words in the names of the types that they take and give. */
function positionsByTypeWord(
  ...typed: readonly ReadonlyMap<string, readonly number[]>[]
): ReadonlyMap<string, readonly number[]> {
  const byWord = new Map<string, Set<number>>();
  for (const [type, positions] of typed.flatMap((byType) => [...byType])) {
    for (const word of tokenize(type)) {
      const known = byWord.get(word) ?? new Set();
      for (const position of positions) known.add(position);
      byWord.set(word, known);
    }
  }
  return new Map(Array.from(byWord, ([word, positions]) => [word, [...positions]]));
}

function takenTypes({ inputs }: NodeClass): readonly string[] {
  const types: string[] = [];
  for (const input of inputs) for (const type of acceptedTypes(input.types, input)) types.push(type);
  return types;
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
  const { name, displayName, searchAliases, category, description } = nodeClass;
  const common = commonAliases.get(name);
  const aliases = common === undefined ? searchAliases : [...searchAliases, common];
  return {
    id,
    name: displayName === name ? name : `${name} ${displayName}`,
    aliases: aliases.length === 0 ? undefined : aliases.join(' '),
    category: category || undefined,
    description: description || undefined,
  };
}

/** Splits a text into lower-case words; `KSamplerAdvanced`, `VAEDecode` and `img2img` also give their parts. */
function tokenize(text: string): string[] {
  return splitWords(text).flatMap(wordAndParts);
}

/**
 * As {@link tokenize}, for the fields of many classes: each word is split once, and enters the vocabulary. A word counts
 * once a class, in the first of its fields: those that weigh most come first. Fillers are left out, no query being for them.
 */
function createTokenizer(vocabulary: Set<string>): (text: string, field?: string) => string[] {
  const terms = new Map<string, { term: string; lastClass: number }>();
  const known = new Map<string, readonly { term: string; lastClass: number }[]>();
  let nodeClass = 0;
  const learn = (word: string): readonly { term: string; lastClass: number }[] => {
    const parts = wordAndParts(word).filter((part) => !fillers.has(part));
    const learned = parts.map((term) => {
      const entry = terms.get(term) ?? { term, lastClass: 0 };
      terms.set(term, entry);
      vocabulary.add(term);
      return entry;
    });
    known.set(word, learned);
    return learned;
  };
  return (text, field) => {
    if (field === 'name') nodeClass += 1;
    const words: string[] = [];
    for (const word of splitWords(text)) {
      for (const entry of known.get(word) ?? learn(word)) {
        if (entry.lastClass === nodeClass) continue;
        entry.lastClass = nodeClass;
        words.push(entry.term);
      }
    }
    return words;
  };
}

/** Texts of which this is true go the quicker way: Unicode's classes of letters are several times as slow. */
function isAscii(text: string): boolean {
  return !/[^\0-\x7F]/.test(text);
}

function splitWords(text: string): readonly string[] {
  return text.match(isAscii(text) ? /[A-Za-z0-9]+/g : /[\p{L}\p{N}]+/gu) ?? [];
}

const asciiParts = /[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+/g;
const anyParts = /\p{Lu}+(?=\p{Lu}\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lu}+|\p{N}+|\p{Lo}+/gu;

function wordAndParts(word: string): readonly string[] {
  const parts = word.match(isAscii(word) ? asciiParts : anyParts) ?? [];
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

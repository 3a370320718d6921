import type { Json } from '../json/json.ts';
import type { NodeId, Workflow, WorkflowNode } from '../graph/workflow.ts';
import { isLink } from '../graph/workflow.ts';
import type { NodeClass, Registry } from '../registry/registry.ts';
import type { Inventory, Policy, PolicyReason } from './policy.ts';

/** Upper bounds of what one node gives. */
export interface Extent {
  pixels: number;
  batch: number;
  frames: number;
  /** Steps of the noise schedule that the node hands on. */
  steps: number;
  textChars: number;
  conditionings: number;
}

const nothing: Extent = { pixels: 0, batch: 1, frames: 1, steps: 0, textChars: 0, conditionings: 1 };
const pictureTypes = new Set(['IMAGE', 'LATENT', 'MASK', 'VIDEO']);

/** Inputs that decide how much a node works; each has to be a number, or be read from a picture. */
const costNames =
  /^(width|height|length|num_frames|video_frames|frames_number|batch_size|amount|steps|scale_by|multiplier|scale_ratio|megapixels|longer_edge|longer_size|largest_size|shorter_edge|shorter_size|target_width|target_height|seconds|duration|left|right|top|bottom|resolution|layers|cell_width|cell_height)$/;
const measuredTypes = ['IMAGE', 'LATENT', 'MASK', 'VIDEO'];
const primitives = new Set(['PrimitiveInt', 'PrimitiveFloat']);

/** The part of a name that a dynamic input adds: `width` of `resize_type.width`. */
function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

/** What a node is measured in. */
export interface Measuring {
  registry: Registry;
  workflow: Workflow;
  policy: Policy;
  inventory: Inventory;
  /** Of the nodes before. */
  extents: ReadonlyMap<NodeId, Extent>;
  refuse: (reason: PolicyReason) => void;
}

/** Measures one node, and refuses it where it passes a limit. */
export class NodeMeter {
  readonly #id: NodeId;
  readonly #node: Readonly<WorkflowNode>;
  readonly #nodeClass: NodeClass;
  readonly #in: Measuring;

  constructor(measuring: Measuring, id: NodeId, node: Readonly<WorkflowNode>, nodeClass: NodeClass) {
    this.#in = measuring;
    this.#id = id;
    this.#node = node;
    this.#nodeClass = nodeClass;
  }

  measure(): Extent {
    const numbers = this.#costNumbers();
    const extent = this.#combineSources();
    extent.steps = this.#scheduledSteps(extent.steps, numbers.get('steps') ?? 0);
    extent.textChars = this.#textChars(extent.textChars);
    if (this.#givesPictures()) this.#applySize(extent, numbers);
    this.#check(extent, numbers);
    return extent;
  }

  /** A sampler takes a latent and a schedule, or has steps of its own, and gives a latent. */
  pixelSteps(extent: Extent): number {
    const gives = this.#gives('LATENT') || this.#gives('IMAGE');
    const samples = this.#nodeClass.inputsByName.has('steps') || this.#takes('SIGMAS');
    if (!gives || !samples || extent.steps === 0) return 0;
    const { maxSampledPixels, maxSteps } = this.#in.policy.limits;
    this.#cap('schedule', extent.steps, maxSteps, 'steps', 'Use fewer steps.');
    this.#cap('sampled size', extent.pixels, maxSampledPixels, 'pixels', 'Use a smaller width, height or scale.');
    return extent.pixels * extent.batch * extent.frames * extent.steps * Math.max(1, extent.conditionings / 2);
  }

  #scheduledSteps(fromSources: number, own: number): number {
    // A node that takes a schedule and has steps puts so many between any two of those that it gets.
    if (fromSources > 0 && own > 0 && this.#gives('SIGMAS')) return fromSources * own;
    if (!this.#gives('SIGMAS') || own > 0) return Math.max(fromSources, own);
    const written = Object.values(this.#node.inputs).filter((value) => typeof value === 'string');
    return written.reduce((most, text) => Math.max(most, text.split(/[\s,;]+/).length), fromSources);
  }

  #gives(wanted: string): boolean {
    return this.#nodeClass.outputs.some(({ type }) => type === wanted);
  }

  #takes(wanted: string): boolean {
    return this.#nodeClass.inputs.some(({ type }) => type === wanted);
  }

  #givesPictures(): boolean {
    return this.#nodeClass.outputs.some(
      ({ type }) => pictureTypes.has(type) || type === 'COMFY_MATCHTYPE_V3' || type === '*',
    );
  }

  #sources(): { extent: Extent; types: readonly string[]; part: string }[] {
    return Object.entries(this.#node.inputs).flatMap(([name, value]) => {
      const extent = isLink(value) ? this.#in.extents.get(value[0]) : undefined;
      if (extent === undefined || !isLink(value)) return [];
      const source = this.#in.workflow[value[0]];
      const type =
        source === undefined ? undefined : this.#in.registry.classes.get(source.class_type)?.outputs[value[1]]?.type;
      return [{ extent, types: type === undefined ? ['*'] : [type], part: lastPart(name) }];
    });
  }

  /** Bounds over all sources: the largest, except where a node joins what it gets. */
  #combineSources(): Extent {
    const extent = { ...nothing };
    const joins = this.#nodeClass.pack !== 'core' || /batch|combine|concat|merge/i.test(this.#nodeClass.name);
    const stitches = this.#nodeClass.pack !== 'core' || /stitch|grid/i.test(this.#nodeClass.name);
    let pictures = 0;
    let conditionings = 0;
    let pixels = 0;
    for (const { extent: source, types } of this.#sources()) {
      const isPicture = types.some((type) => pictureTypes.has(type) || type === '*' || type === 'COMFY_MATCHTYPE_V3');
      if (isPicture) {
        extent.pixels = Math.max(extent.pixels, source.pixels);
        extent.batch = Math.max(extent.batch, source.batch);
        extent.frames = Math.max(extent.frames, source.frames);
        pictures += source.batch;
        pixels += source.pixels * (stitches ? Math.max(source.batch, 1) : 1);
      }
      if (types.includes('CONDITIONING')) {
        extent.conditionings = Math.max(extent.conditionings, source.conditionings);
        conditionings += source.conditionings;
      }
      if (types.includes('GUIDER')) extent.conditionings = Math.max(extent.conditionings, source.conditionings);
      if (types.includes('SIGMAS')) extent.steps += source.steps;
      extent.textChars += source.textChars;
    }
    if (joins) {
      extent.batch = Math.max(extent.batch, pictures);
      extent.conditionings = Math.max(extent.conditionings, conditionings);
    }
    if (stitches) extent.pixels = Math.max(extent.pixels, pixels);
    this.#addUpload(extent);
    return extent;
  }

  #addUpload(extent: Extent): void {
    const upload = this.#nodeClass.inputs.find((input) => input.upload !== undefined);
    if (upload === undefined) return;
    const file = this.#node.inputs[upload.name];
    const known = typeof file === 'string' ? this.#in.inventory.pixels?.get(file) : undefined;
    if (this.#givesPictures()) extent.pixels = Math.max(extent.pixels, known ?? this.#in.policy.loadedPixels);
    if (upload.upload === 'video') extent.frames = Math.max(extent.frames, this.#in.policy.loadedFrames);
  }

  #textChars(fromSources: number): number {
    const own = Object.values(this.#node.inputs).reduce<number>(
      (sum, value) => sum + (typeof value === 'string' ? value.length : 0),
      0,
    );
    const replaces = Object.hasOwn(this.#node.inputs, 'replace');
    const givesText = this.#nodeClass.outputs.some(({ type }) => type === 'STRING' || type === '*');
    if (!givesText) return 0;
    return replaces ? fromSources * (1 + own) + own : fromSources + own;
  }

  /** The numbers that decide the cost, by the last part of their names; refuses those that cannot be known. */
  #costNumbers(): Map<string, number> {
    const numbers = new Map<string, number>();
    for (const [name, value] of Object.entries(this.#node.inputs)) {
      const part = lastPart(name);
      if (!costNames.test(part) && part !== 'value') continue;
      const number = this.#numberOf(name, part, value);
      if (number !== undefined) numbers.set(part, Math.max(number, numbers.get(part) ?? Number.NEGATIVE_INFINITY));
    }
    return numbers;
  }

  #numberOf(name: string, part: string, value: Json): number | undefined {
    if (typeof value === 'number') return value;
    if (typeof value === 'bigint') return Number(value);
    if (!isLink(value) || part === 'value') return undefined;
    const source = this.#in.workflow[value[0]];
    const sourceClass = source === undefined ? undefined : this.#in.registry.classes.get(source.class_type);
    if (source === undefined || sourceClass === undefined) return undefined;
    if (primitives.has(sourceClass.name)) {
      const literal = source.inputs['value'];
      if (typeof literal === 'number' || typeof literal === 'bigint') return Number(literal);
    }
    const extent = this.#in.extents.get(value[0]);
    if (extent !== undefined && sourceClass.pack === 'core' && this.#isMeasured(sourceClass))
      return measured(part, extent);
    this.#in.refuse({
      code: 'too_much_work',
      message: `${this.#where(name)} is computed by node "${value[0]}", so its size cannot be known before it runs. Write the number itself.`,
      nodeId: this.#id,
      input: name,
    });
    return undefined;
  }

  #isMeasured(sourceClass: NodeClass): boolean {
    return sourceClass.inputs.some(({ types }) => types.some((type) => measuredTypes.includes(type)));
  }

  #applySize(extent: Extent, numbers: ReadonlyMap<string, number>): void {
    const of = (...names: readonly string[]): number | undefined => {
      const found = names.flatMap((name) => numbers.get(name) ?? []);
      return found.length === 0 ? undefined : Math.max(...found);
    };
    const width = of('width', 'target_width');
    const height = of('height', 'target_height');
    const side = Math.sqrt(extent.pixels);
    // A zero or a missing side means "keep the shape"; shapes up to 4:1 are allowed for.
    if ((width ?? 0) > 0 && (height ?? 0) > 0) extent.pixels = (width ?? 0) * (height ?? 0);
    else if ((width ?? 0) > 0 || (height ?? 0) > 0) extent.pixels = Math.max(width ?? 0, height ?? 0) ** 2 * 4;
    const longer = of('longer_edge', 'longer_size', 'largest_size');
    if (longer !== undefined) extent.pixels = longer ** 2;
    const shorter = of('shorter_edge', 'shorter_size');
    if (shorter !== undefined) extent.pixels = shorter ** 2 * 4;
    const megapixels = of('megapixels');
    if (megapixels !== undefined) extent.pixels = megapixels * 1024 * 1024;
    const factor = of('scale_by', 'multiplier', 'scale_ratio');
    if (factor !== undefined) extent.pixels *= factor ** 2;
    if (this.#takes('UPSCALE_MODEL')) extent.pixels *= this.#upscaleFactor() ** 2;
    if (this.#takes('LATENT_UPSCALE_MODEL')) extent.pixels *= 4;
    const cell = (of('cell_width') ?? 0) * (of('cell_height') ?? 0);
    extent.pixels = Math.max(extent.pixels, cell * extent.batch * extent.frames);
    const padX = (of('left') ?? 0) + (of('right') ?? 0);
    const padY = (of('top') ?? 0) + (of('bottom') ?? 0);
    if (padX + padY > 0) extent.pixels = Math.max(extent.pixels, (side + padX) * (side + padY));
    extent.frames = Math.max(of('length', 'num_frames', 'video_frames', 'frames_number') ?? extent.frames, 1);
    const layers = of('layers');
    if (layers !== undefined) extent.frames = Math.max(extent.frames, layers);
    const batch = of('batch_size');
    // Rebatching cuts what there is into other portions: nothing becomes less.
    if (batch !== undefined)
      extent.batch = /rebatch/i.test(this.#nodeClass.name) ? Math.max(batch, extent.batch) : batch;
    extent.batch = Math.max(extent.batch, 1);
    if (/repeat/i.test(this.#nodeClass.name)) extent.batch *= Math.max(1, of('amount') ?? 1);
  }

  /** Upscale models are named for their factor (`4x-UltraSharp`, `RealESRGAN_x2`); four is the usual one. */
  #upscaleFactor(): number {
    for (const value of Object.values(this.#node.inputs)) {
      const source = isLink(value) ? this.#in.workflow[value[0]] : undefined;
      const name = source?.inputs['model_name'];
      const digits = typeof name === 'string' ? /(?:^|[^a-z0-9])(?:([1248])x|x([1248]))(?![0-9])/i.exec(name) : null;
      if (digits !== null) return Number(digits[1] ?? digits[2]);
    }
    return 4;
  }

  #check(extent: Extent, numbers: ReadonlyMap<string, number>): void {
    const { limits } = this.#in.policy;
    const isPicture = this.#givesPictures();
    if (isPicture) {
      for (const side of ['width', 'height', 'target_width', 'target_height']) {
        this.#cap(side.replace('_', ' '), numbers.get(side) ?? 0, limits.maxSide, 'pixels', 'Use a smaller one.');
      }
    }
    this.#cap('picture size', extent.pixels, limits.maxPixels, 'pixels', 'Use a smaller width, height or scale.');
    this.#cap('batch', extent.batch, limits.maxBatch, 'pictures at once', 'Ask for fewer at once.');
    if (isPicture) this.#cap('length', extent.frames, limits.maxFrames, 'frames', 'Use a shorter clip.');
    this.#cap('steps', numbers.get('steps') ?? 0, limits.maxSteps, 'steps', 'Use fewer steps.');
    const tensor = extent.pixels * extent.batch * extent.frames;
    this.#cap(
      'size in memory',
      tensor,
      limits.maxTensorPixels,
      'pixels in all frames',
      'Use a smaller size or fewer frames.',
    );
    this.#cap(
      'sound',
      Math.max(numbers.get('seconds') ?? 0, numbers.get('duration') ?? 0),
      limits.maxSeconds,
      'seconds',
      'Use a shorter sound.',
    );
    this.#cap('text', extent.textChars, limits.maxTextChars, 'characters', 'Use a shorter text.');
    this.#cap(
      'prompt',
      extent.conditionings,
      limits.maxConditionings,
      'combined conditionings',
      'Combine fewer prompts.',
    );
  }

  #cap(what: string, amount: number, most: number, unit: string, remedy: string): void {
    if (amount <= most) return;
    const shown = Number.isFinite(amount) ? String(Math.ceil(amount)) : 'endlessly many';
    this.#in.refuse({
      code: 'too_much_work',
      message: `${this.#where()}: the ${what} comes to ${shown} ${unit}; at most ${most} are allowed. ${remedy}`,
      nodeId: this.#id,
    });
  }

  #where(input?: string): string {
    const node = `Node "${this.#id}" (${this.#nodeClass.name})`;
    return input === undefined ? node : `${node}, input "${input}",`;
  }
}

/** What a node that measures a picture can answer at most. */
function measured(part: string, extent: Extent): number {
  if (/width|height|edge|size$/.test(part) && part !== 'batch_size') return Math.ceil(Math.sqrt(extent.pixels));
  if (/frames|length/.test(part)) return extent.frames * extent.batch;
  return part === 'batch_size' ? extent.batch : extent.pixels;
}

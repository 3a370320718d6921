import type { Json } from '../json/json.ts';
import { inputOf, nodeOf } from './links.ts';
import type { NodeId, Workflow, WorkflowNode } from './workflow.ts';
import { isLink } from './workflow.ts';

/** How much a workflow asks of the GPU, read from the workflow alone. */
export interface WorkEstimate {
  /** Sum over all samplers of width × height × latent frames × batch × steps. */
  pixelSteps: number;
  /** Sampling steps, summed over all samplers. */
  steps: number;
  /** Width × height of the largest sampled image. */
  pixels: number;
  /** Largest batch that one sampler draws. */
  images: number;
  /** Video frames of the longest clip; 1 for pictures. */
  frames: number;
}

export interface EstimateOptions {
  /** Size of an uploaded image by file name, in pixels. Default 1024 × 1024 for every image. */
  imageSize?: (name: string) => { width: number; height: number } | undefined;
}

interface Extent {
  width: number;
  height: number;
  batch: number;
  frames: number;
}

const UNKNOWN_EXTENT: Extent = { width: 1024, height: 1024, batch: 1, frames: 1 };
/** Steps of a sampler whose schedule comes from a node that does not tell. */
const UNKNOWN_STEPS = 20;
/** Longest chain of nodes that is followed: past it the extent is unknown, which also ends cycles. */
const MAX_DEPTH = 200;

/** Finds what flows into inputs; one instance a workflow, with results kept by node. */
function createExtents(workflow: Workflow, options: EstimateOptions) {
  const known = new Map<NodeId, Extent>();

  const number = (node: Readonly<WorkflowNode>, name: string, depth = 0): number | undefined => {
    const value: Json | undefined = inputOf(node, name);
    if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
    if (typeof value === 'bigint') return Number(value);
    if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))) return Number(value);
    if (isLink(value) && depth < MAX_DEPTH) {
      const source = nodeOf(workflow, value[0]);
      if (source !== undefined) return number(source, 'value', depth + 1);
    }
    return undefined;
  };

  const source = (node: Readonly<WorkflowNode>, names: readonly string[]): NodeId | undefined => {
    for (const name of names) {
      const value = inputOf(node, name);
      if (isLink(value)) return value[0];
    }
    return undefined;
  };

  const extentOf = (id: NodeId | undefined, depth = 0): Extent => {
    const node = id === undefined ? undefined : nodeOf(workflow, id);
    if (id === undefined || node === undefined || depth > MAX_DEPTH) return UNKNOWN_EXTENT;
    const cached = known.get(id);
    if (cached !== undefined) return cached;
    const result = compute(node, depth);
    known.set(id, result);
    return result;
  };

  const compute = (node: Readonly<WorkflowNode>, depth: number): Extent => {
    if (node.class_type === 'LoadImage' || node.class_type === 'LoadImageMask') {
      const name = inputOf(node, 'image');
      const size = typeof name === 'string' ? options.imageSize?.(name) : undefined;
      return size === undefined ? UNKNOWN_EXTENT : { ...size, batch: 1, frames: 1 };
    }
    const from = source(node, [
      'samples',
      'latent_image',
      'latent',
      'pixels',
      'image',
      'images',
      'image1',
      'samples1',
      'start_image',
    ]);
    const base = from === undefined ? UNKNOWN_EXTENT : extentOf(from, depth + 1);
    const width = number(node, 'width');
    const height = number(node, 'height');
    const factor = number(node, 'scale_by');
    const megapixels = number(node, 'megapixels');
    const amount =
      node.class_type === 'RepeatLatentBatch' || node.class_type === 'RepeatImageBatch'
        ? number(node, 'amount')
        : undefined;
    let extent = { ...base };
    if (width !== undefined && height !== undefined && width > 0 && height > 0) extent = { ...extent, width, height };
    else if (factor !== undefined) extent = { ...extent, width: base.width * factor, height: base.height * factor };
    else if (megapixels !== undefined) {
      const ratio = Math.sqrt((megapixels * 1024 * 1024) / (base.width * base.height));
      extent = { ...extent, width: base.width * ratio, height: base.height * ratio };
    } else if (node.class_type === 'ImagePadForOutpaint') {
      extent.width += (number(node, 'left') ?? 0) + (number(node, 'right') ?? 0);
      extent.height += (number(node, 'top') ?? 0) + (number(node, 'bottom') ?? 0);
    }
    const batch = number(node, 'batch_size');
    const length = number(node, 'length');
    return {
      width: Math.max(1, extent.width),
      height: Math.max(1, extent.height),
      batch: Math.max(1, batch ?? extent.batch * (amount ?? 1)),
      frames: Math.max(1, length ?? extent.frames),
    };
  };

  const stepsOf = (node: Readonly<WorkflowNode>): number | undefined => {
    const steps = number(node, 'steps');
    if (steps !== undefined) {
      const start = number(node, 'start_at_step') ?? 0;
      const end = number(node, 'end_at_step') ?? steps;
      return Math.max(0, Math.min(steps, end) - start);
    }
    let sigmas = source(node, ['sigmas']);
    for (let depth = 0; sigmas !== undefined && depth < MAX_DEPTH; depth += 1) {
      const scheduler = nodeOf(workflow, sigmas);
      if (scheduler === undefined) return undefined;
      const value = number(scheduler, 'steps');
      if (value !== undefined) return value;
      sigmas = source(scheduler, ['sigmas']);
    }
    return undefined;
  };

  const isSampler = (node: Readonly<WorkflowNode>): boolean =>
    isLink(inputOf(node, 'latent_image')) && (stepsOf(node) !== undefined || isLink(inputOf(node, 'sigmas')));

  return { extentOf, stepsOf, isSampler };
}

/** Video models compress about four frames into one latent frame. */
function latentFrames(frames: number): number {
  return Math.floor((frames - 1) / 4) + 1;
}

/**
 * Estimates the work of a workflow: pixels × steps × batch over its samplers.
 *
 * A sampler is a node with a linked `latent_image` and steps or sigmas. Sizes are followed back through links; where
 * they cannot be known (an upload of unknown size, a node from elsewhere) 1024 × 1024 is assumed. A workflow without a
 * sampler counts the pixels of its images with one step.
 */
export function estimateWork(workflow: Workflow, options: EstimateOptions = {}): WorkEstimate {
  const { extentOf, stepsOf, isSampler } = createExtents(workflow, options);
  const total: WorkEstimate = { pixelSteps: 0, steps: 0, pixels: 0, images: 0, frames: 0 };
  const add = (extent: Extent, steps: number): void => {
    const pixels = extent.width * extent.height;
    total.pixelSteps += pixels * latentFrames(extent.frames) * extent.batch * steps;
    total.steps += steps;
    total.pixels = Math.max(total.pixels, Math.round(pixels));
    total.images = Math.max(total.images, extent.batch);
    total.frames = Math.max(total.frames, extent.frames);
  };
  for (const node of Object.values(workflow)) {
    if (!isSampler(node)) continue;
    const latent = inputOf(node, 'latent_image');
    add(extentOf(isLink(latent) ? latent[0] : undefined), stepsOf(node) ?? UNKNOWN_STEPS);
  }
  if (total.steps > 0) return { ...total, pixelSteps: Math.round(total.pixelSteps) };
  for (const node of Object.values(workflow)) {
    const images = inputOf(node, 'images');
    if (isLink(images)) add(extentOf(images[0]), 1);
  }
  return {
    pixelSteps: Math.round(total.pixelSteps),
    steps: 0,
    pixels: total.pixels,
    images: Math.max(1, total.images),
    frames: Math.max(1, total.frames),
  };
}

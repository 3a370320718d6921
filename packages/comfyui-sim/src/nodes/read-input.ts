import type { Json } from '@atelier/comfyui/json/json';
import type {
  ConditioningValue,
  GuiderValue,
  ImageValue,
  LatentValue,
  MaskValue,
  ModelValue,
  NoiseValue,
  SamplerValue,
  SigmasValue,
  SimValue,
  VideoValue,
} from './sim-value.ts';
import { NodeException } from './node-context.ts';
import type { NodeContext } from './node-context.ts';

interface ValueByKind {
  model: ModelValue;
  conditioning: ConditioningValue;
  latent: LatentValue;
  image: ImageValue;
  mask: MaskValue;
  video: VideoValue;
  sampler: SamplerValue;
  sigmas: SigmasValue;
  noise: NoiseValue;
  guider: GuiderValue;
}

/** The input's value when it has that kind. */
export function optionalInput<K extends keyof ValueByKind>(
  context: NodeContext,
  name: string,
  kind: K,
): ValueByKind[K] | undefined {
  const value = context.inputs.get(name);
  return value?.kind === kind ? (value as ValueByKind[K]) : undefined;
}

/** @throws NodeException `TypeError` as a node would stumble over a value that it cannot use. */
export function requiredInput<K extends keyof ValueByKind>(
  context: NodeContext,
  name: string,
  kind: K,
): ValueByKind[K] {
  const value = optionalInput(context, name, kind);
  if (value === undefined)
    throw new NodeException('TypeError', `'NoneType' object is not usable as ${kind} for ${name}`);
  return value;
}

function literalInput(context: NodeContext, name: string): Json | undefined {
  const value: SimValue | undefined = context.inputs.get(name);
  if (value?.kind === 'literal') return value.value;
  return value === undefined ? context.nodeClass.inputsByName.get(name)?.default : undefined;
}

/** A number input, or its default; texts are read as Python's `float()` reads them. */
export function numberInput(context: NodeContext, name: string, fallback = 0): number {
  const value = literalInput(context, name);
  const number =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : fallback;
}

/** A seed: up to 2^64-1. */
export function seedInput(context: NodeContext, name: string): bigint {
  const value = literalInput(context, name);
  if (typeof value === 'bigint') return value;
  if (typeof value === 'string' && /^\s*\d+\s*$/.test(value)) return BigInt(value.trim());
  return typeof value === 'number' && Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
}

export function textInput(context: NodeContext, name: string, fallback = ''): string {
  const value = literalInput(context, name);
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
    ? String(value)
    : fallback;
}

export function booleanInput(context: NodeContext, name: string, fallback = false): boolean {
  const value = literalInput(context, name);
  if (typeof value === 'string') return value === 'enable' || value === 'true' || value === 'True';
  return typeof value === 'boolean' ? value : fallback;
}

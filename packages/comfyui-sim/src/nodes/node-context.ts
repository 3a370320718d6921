import type { NodeId, Workflow, WorkflowNode } from '@atelier/comfyui/graph/workflow';
import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import type { NodeClass } from '@atelier/comfyui/registry/registry';
import type { FileStore } from '../files/file-store.ts';
import type { GpuMemory } from '../profile/gpu-memory.ts';
import type { ServiceProfile } from '../profile/service-profile.ts';
import type { SimClock } from '../clock/sim-clock.ts';
import type { Picture } from '../picture/picture.ts';
import type { SimValue } from './sim-value.ts';

/** What a running node can see and do. */
export interface NodeContext {
  id: NodeId;
  nodeClass: NodeClass;
  node: Readonly<WorkflowNode>;
  /** Inputs by name, links resolved; absent where a lazy or optional input is not there. */
  inputs: ReadonlyMap<string, SimValue>;
  /** The prompt as posted, and its `extra_pnginfo`, for picture metadata. */
  prompt: JsonObject;
  extraPngInfo: JsonObject | undefined;
  files: FileStore;
  gpu: GpuMemory;
  profile: ServiceProfile;
  clock: SimClock;
  /** Model files that are empty: loading them fails. */
  emptyModels: ReadonlySet<string>;
  /** Whether drawing should cost as little as possible: speed 0. */
  isHurried: boolean;
  /** What lives as long as the node's object does in ComfyUI: until a prompt comes without it. */
  objectState: Map<string, string>;
  /** Lower-case letters. */
  randomLetters: (count: number) => string;
  /** Takes so much simulated time; an interrupt does not end it. */
  work: (ms: number) => Promise<void>;
  /** One tick: sends progress with an optional preview, and is where an interrupt lands. */
  tick: (value: number, max: number, preview?: Picture) => Promise<void>;
  /** Sends a picture to the client as `SaveImageWebsocket` does. */
  sendPicture: (bytes: Buffer) => void;
}

/** What a node gives. */
export interface NodeResult {
  outputs: readonly SimValue[];
  /** What an output node shows; becomes `executed` and history. */
  ui?: JsonObject;
  /** Nodes that take this one's place; `outputs` of the last ones are named by link or given as values. */
  expansion?: { nodes: Workflow; outputs: readonly (SimValue | { link: [NodeId, number] })[] };
}

/** How one class runs. */
export interface NodeImplementation {
  run: (context: NodeContext) => NodeResult | Promise<NodeResult>;
  /** Names of lazy inputs still wanted; called before `run`, again when they have come. */
  wantedInputs?: (context: NodeContext) => readonly string[];
}

export type NodeLibrary = ReadonlyMap<string, NodeImplementation>;

/** An exception as Python would have named it: becomes `execution_error`. */
export class NodeException extends Error {
  override readonly name = 'NodeException';
  readonly exceptionType: string;

  constructor(exceptionType: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exceptionType = exceptionType;
  }
}

/** An interrupt that landed. */
export class NodeInterrupted extends Error {
  override readonly name = 'NodeInterrupted';
}

export function literal(value: Json): SimValue {
  return { kind: 'literal', value };
}

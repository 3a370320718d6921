/** Caps on what one workflow may ask for. */
export interface PolicyLimits {
  /** Nodes in the workflow. */
  maxNodes: number;
  /** Different model files. */
  maxModels: number;
  /** Nodes on the longest chain of links. */
  maxDepth: number;
  /** Width × height of any picture or latent on the way. */
  maxPixels: number;
  /** Width, and height, of any picture that names its own. */
  maxSide: number;
  /** Width × height of anything that a sampler works on. */
  maxSampledPixels: number;
  /** Pictures drawn at once. */
  maxBatch: number;
  /** Steps of one sampler. */
  maxSteps: number;
  /** Frames of one clip. */
  maxFrames: number;
  /** Width × height × frames × batch of any node's result: what has to fit into memory. */
  maxTensorPixels: number;
  /** Width × height × frames × batch × steps, summed over all samplers. */
  maxPixelSteps: number;
  /** Seconds of sound. */
  maxSeconds: number;
  /** Characters in one text, and in any text that nodes put together. */
  maxTextChars: number;
  /** Prompts that one sampler evaluates at every step (combined conditionings). */
  maxConditionings: number;
}

/** What a workflow may do. Plain data, so that it can be stored, compared and shown. */
export interface Policy {
  /** Packs whose classes may be used: `core`, or the folder of a custom pack. See {@link NodeClass.pack}. */
  packs: readonly string[];
  /** Packs that are closed whole, whatever names one of their classes. */
  deniedPacks?: readonly string[];
  /** Single classes that may be used though their pack may not, or though `deniedClasses` names them. */
  allowedClasses: readonly string[];
  /** Classes that may not be used, with the reason as a clause: "it writes model files". */
  deniedClasses: ReadonlyMap<string, string>;
  /** Whether nodes that call paid services may run. */
  allowApiNodes: boolean;
  /** Whether a result's name may name subfolders of the output folder (`people/ada`). */
  allowOutputSubfolders: boolean;
  /** Pixels that a loaded picture is taken to have where the inventory does not tell. */
  loadedPixels: number;
  /** Frames that a loaded clip is taken to have. */
  loadedFrames: number;
  /** Whether input files that the server lists may be read; else only those of the inventory, so that nobody reads another's uploads. */
  allowListedFiles: boolean;
  limits: PolicyLimits;
}

/** Why a workflow was refused. */
export type PolicyReasonCode =
  | 'malformed'
  | 'too_large'
  | 'unknown_class'
  | 'class_not_allowed'
  | 'unknown_input'
  | 'bad_link'
  | 'cycle'
  | 'wrong_type'
  | 'out_of_range'
  | 'not_in_inventory'
  | 'unsafe_name'
  | 'url'
  | 'too_much_work';

export interface PolicyReason {
  code: PolicyReasonCode;
  /** What is wrong and what to do about it, in English, naming node and input. Values are shortened and made printable. */
  message: string;
  nodeId?: string;
  input?: string;
}

export type PolicyDecision = { allowed: true } | { allowed: false; reasons: PolicyReason[] };

/** The names that exist beyond the registry's own lists. */
export interface Inventory {
  /** Files of ComfyUI's input folder that this workflow may read, as inputs name them. */
  files?: readonly string[];
  /** Width × height of files, where known. */
  pixels?: ReadonlyMap<string, number>;
}

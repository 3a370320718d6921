import type { Json } from '../json/json.ts';

/** The error object of ComfyUI's answers. A type, not an interface, so that it is JSON to the compiler too. */
export type ServerError = {
  type: string;
  message: string;
  details: string;
  extra_info: { [key: string]: Json };
};

/** One entry of `node_errors`, as the server writes it. */
export type ServerNodeError = {
  errors: ServerError[];
  dependent_outputs: string[];
  class_type: string;
};

/** What a reader can do about one error; kept beside the server's own JSON, never inside. */
export interface NodeHint {
  nodeId: string;
  classType: string;
  /** The error's `type`. */
  errorType: string;
  /** The input that it is about, where the server names one. */
  inputName?: string;
  /** One or two sentences in English. */
  hint: string;
  /** The allowed values nearest to the wrong one, best first, at most five. */
  nearest?: readonly Json[];
  /** Outputs in the same workflow that would fit the input, at most five, as `[node id, slot]`. */
  fittingOutputs?: readonly (readonly [string, number])[];
}

/** What `POST /prompt` would answer. */
export interface PromptVerdict {
  /** 200: it would be queued (with the outputs in `outputs`). 400: refused. 500: the server itself would stumble. */
  status: 200 | 400 | 500;
  /** Absent at 200, and at 500, where the server answers plain text. */
  error?: ServerError;
  /** Not empty at 200 when some outputs would be dropped. */
  node_errors: { [nodeId: string]: ServerNodeError };
  /** Ids of the output nodes that would run, in the order of the prompt. */
  outputs: string[];
  /** One for each error in `node_errors`, and one for `error` where no node carries the reason. */
  hints: NodeHint[];
}

export interface ValidateOptions {
  /**
   * Files of ComfyUI's input folder, by the names that inputs use (`photo.png`, `sub/photo.png`); `[output]` and `[temp]`
   * names are looked up with their annotation. Without it the files that the registry lists are taken to exist.
   */
  files?: readonly string[];
  /** ComfyUI's version, such as `0.3.64` (the default is the newest rules this package knows). */
  version?: string;
  /** `partial_execution_targets`: the output nodes that are asked for. */
  targets?: readonly string[];
  /**
   * Python visits a set of names in an order that differs from one server process to the next, and where a
   * broken link ends a node's validation early that order decides which further errors are reported (never the status).
   * A number stands for that process's hash seed (`PYTHONHASHSEED`).
   */
  hashSeed?: number;
  /** Most nodes that are looked at; 10,000 by default. The answer to a bad prompt can grow with the square of their number. */
  maxNodes?: number;
}

import type { PyDict } from '../json/python-json.ts';
import type { NodeClass, Registry } from '../registry/registry.ts';
import type { ValidationRules } from './comfy-version.ts';
import type { ExpandedInput } from './expand-inputs.ts';
import type { ServerError } from './prompt-verdict.ts';
import type { HashSecret } from './python-hash.ts';

/** What is known of a node once it was visited. */
export interface NodeResult {
  valid: boolean;
  /** The node's own errors; a node that fails only for one upstream has none. */
  errors: ServerError[];
}

export interface ValidationRun {
  registry: Registry;
  prompt: PyDict;
  rules: ValidationRules;
  /** Files that class-own checks take to exist. */
  files: () => ReadonlySet<string>;
  hashSecret: HashSecret;
  /** The order in which a class's inputs are visited, once it is known. */
  orders: Map<NodeClass, readonly ExpandedInput[]>;
  /** Results by node, in the order in which they were reached. */
  validated: Map<string, NodeResult>;
  /** The nodes whose inputs are being visited, outermost first. */
  visiting: string[];
  /** The first cycle that was met, its first node repeated at the end. */
  cycle?: readonly string[];
}

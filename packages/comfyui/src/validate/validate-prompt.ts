import type { Json } from '../json/json.ts';
import { jsonFromPython, parsePythonJson, pythonFromJson } from '../json/python-json.ts';
import type { PyDict, PyValue } from '../json/python-json.ts';
import { pythonRepr, pythonStr } from '../json/python-text.ts';
import { ComfyError } from '../errors/comfy-error.ts';
import type { Registry } from '../registry/registry.ts';
import { validationRules } from './comfy-version.ts';
import type { ValidationRules } from './comfy-version.ts';
import { filesInRegistry } from './custom-checks.ts';
import { explainErrors, explainPromptError } from './explain-errors.ts';
import type { PromptVerdict, ServerError, ServerNodeError, ValidateOptions } from './prompt-verdict.ts';
import { PythonException } from './python-exception.ts';
import { hashSecret } from './python-hash.ts';
import { PythonSet } from './python-set.ts';
import { validateNode } from './validate-node.ts';
import type { NodeResult, ValidationRun } from './validation-run.ts';

/**
 * Says what `POST /prompt` would answer to a workflow in API format, without a server and without queueing anything.
 *
 * Pass the text where there is one: it tells `1` from `1.0` and keeps the order of nodes, as the server does.
 *
 * @param prompt the value of the request's `prompt` key, as JSON text or parsed.
 * @throws ComfyError `too_large` for nesting, length or nodes past the caps, `invalid_value` for a `version` that is none. A text that is
 * not JSON is a verdict: the server answers 500.
 */
export function validatePrompt(
  registry: Registry,
  prompt: string | Json,
  options: ValidateOptions = {},
): PromptVerdict {
  const rules = validationRules(options.version);
  try {
    const value = typeof prompt === 'string' ? parsePythonJson(prompt) : pythonFromJson(prompt);
    return judge(registry, value, rules, options);
  } catch (error) {
    const raised = error instanceof PythonException;
    if (!raised && !(error instanceof ComfyError && error.code === 'malformed')) throw error;
    return { status: 500, node_errors: {}, outputs: [], hints: [] };
  }
}

function judge(registry: Registry, prompt: PyValue, rules: ValidationRules, options: ValidateOptions): PromptVerdict {
  const found = findOutputs(registry, prompt, rules, options);
  if ('error' in found) return refused(registry, found.prompt, found.error);
  if (found.outputs.length === 0) {
    const error: ServerError = {
      type: 'prompt_no_outputs',
      message: 'Prompt has no outputs',
      details: '',
      extra_info: {},
    };
    return refused(registry, found.prompt, error);
  }
  const secret = hashSecret(options.hashSeed ?? rules.hashSeed);
  const run: ValidationRun = {
    registry,
    prompt: found.prompt,
    rules,
    files: lazyFiles(registry, options.files),
    hashSecret: secret,
    orders: new Map(),
    validated: new Map(),
    visiting: [],
  };
  const visited = new PythonSet(secret);
  for (const output of found.outputs) visited.add(output);
  return judgeOutputs(run, visited.values(), found.outputs);
}

/** Going through all classes takes longer than a whole validation, and few prompts load files. */
function lazyFiles(registry: Registry, given: readonly string[] | undefined): () => ReadonlySet<string> {
  let files: ReadonlySet<string> | undefined;
  return () => (files ??= given === undefined ? filesInRegistry(registry.classes.values()) : new Set(given));
}

function refused(registry: Registry, prompt: PyDict, error: ServerError): PromptVerdict {
  return { status: 400, error, node_errors: {}, outputs: [], hints: explainPromptError({ registry, prompt }, error) };
}

/** @throws PythonException where the server answers 500. */
function findOutputs(
  registry: Registry,
  prompt: PyValue,
  rules: ValidationRules,
  { targets, maxNodes = 10_000 }: ValidateOptions,
): { prompt: PyDict; outputs: string[] } | { prompt: PyDict; error: ServerError } {
  if (prompt === '' || (Array.isArray(prompt) && prompt.length === 0)) return { prompt: new Map(), outputs: [] };
  if (!(prompt instanceof Map)) throw new PythonException('TypeError', 'the prompt is not a dict');
  if (prompt.size > maxNodes) {
    throw new ComfyError('too_large', `The prompt has ${prompt.size} nodes; at most ${maxNodes} are validated`);
  }
  const outputs: string[] = [];
  for (const [id, node] of prompt) {
    const problem = classProblem(registry, id, node, rules);
    if (typeof problem === 'object') return { prompt, error: problem };
    if (registry.classes.get(problem)?.isOutputNode === true && (targets === undefined || targets.includes(id)))
      outputs.push(id);
  }
  return { prompt, outputs };
}

/** The node's class, or the error that ends validation. */
function classProblem(registry: Registry, id: string, node: PyValue, rules: ValidationRules): string | ServerError {
  const hasClass = node instanceof Map ? node.has('class_type') : lacksClass(node);
  if (!hasClass) return missingClass(id, node, rules);
  const classType = node instanceof Map ? (node.get('class_type') ?? null) : null;
  if (Array.isArray(classType) || classType instanceof Map) throw new PythonException('TypeError', 'unhashable type');
  if (typeof classType === 'string' && registry.classes.has(classType)) return classType;
  return unknownClass(id, node, classType, rules);
}

/** A list or a text can be searched for the key and lacks it; Python raises for the others and for one that has it. */
function lacksClass(node: PyValue): false {
  const searchable = Array.isArray(node) || typeof node === 'string';
  if (!searchable || node.includes('class_type')) throw new PythonException('TypeError', 'the node is not a dict');
  return false;
}

function missingClass(id: string, node: PyValue, rules: ValidationRules): ServerError {
  const details = `Node ID '#${id}'`;
  if (!rules.namesMissingNodeType) {
    const message = 'Cannot execute because a node is missing the class_type property.';
    return { type: 'invalid_prompt', message, details, extra_info: {} };
  }
  const title = nodeTitle(node, null);
  const shown = title === null || title === '' ? `ID #${id}` : pythonStr(title);
  return {
    type: 'missing_node_type',
    message: `Node '${shown}' has no class_type. The workflow may be corrupted or a custom node is missing.`,
    details,
    extra_info: { node_id: id, class_type: null, node_title: jsonFromPython(title) },
  };
}

function unknownClass(id: string, node: PyValue, classType: PyValue, rules: ValidationRules): ServerError {
  const details = `Node ID '#${id}'`;
  if (!rules.namesMissingNodeType) {
    const message = `Cannot execute because node ${pythonStr(classType)} does not exist.`;
    return { type: 'invalid_prompt', message, details, extra_info: {} };
  }
  const title = nodeTitle(node, classType);
  return {
    type: 'missing_node_type',
    message: `Node '${pythonStr(title)}' not found. The custom node may not be installed.`,
    details,
    extra_info: { node_id: id, class_type: jsonFromPython(classType), node_title: jsonFromPython(title) },
  };
}

/** `node.get('_meta', {}).get('title', otherwise)`. */
function nodeTitle(node: PyValue, otherwise: PyValue): PyValue {
  const meta = node instanceof Map ? (node.get('_meta') ?? new Map<string, PyValue>()) : null;
  if (!(meta instanceof Map)) throw new PythonException('AttributeError', `${pythonRepr(meta)} has no attribute 'get'`);
  return meta.get('title') ?? otherwise;
}

/** Every failing output is listed under every node that failed before it, so the answer can grow with the square of their number. */
const maxMentions = 1_000_000;

/** Validates the outputs in the order in which the server visits them; the verdict names them in the order of the prompt. */
function judgeOutputs(run: ValidationRun, visited: readonly string[], outputs: readonly string[]): PromptVerdict {
  const good = new Set<string>();
  const failures: { output: string; errors: ServerError[] }[] = [];
  const nodeErrors = new Map<string, ServerNodeError>();
  let mentions = 0;
  for (const output of visited) {
    const result = validateOutput(run, output);
    if (result.valid) {
      good.add(output);
      continue;
    }
    failures.push({ output, errors: result.errors });
    for (const [id, { valid, errors }] of run.validated) {
      if (valid || errors.length === 0) continue;
      mentions += 1;
      if (mentions > maxMentions) throw new ComfyError('too_large', 'The prompt has too many errors to list them all');
      let entry = nodeErrors.get(id);
      if (entry === undefined) {
        entry = { errors, dependent_outputs: [], class_type: classTypeOf(run.prompt, id) };
        nodeErrors.set(id, entry);
      }
      entry.dependent_outputs.push(output);
    }
  }
  const verdict: PromptVerdict = {
    status: good.size > 0 ? 200 : 400,
    node_errors: Object.fromEntries(nodeErrors),
    outputs: outputs.filter((output) => good.has(output)),
    hints: explainErrors(run, nodeErrors),
  };
  if (good.size === 0) verdict.error = outputsFailed(failures);
  return verdict;
}

function validateOutput(run: ValidationRun, output: string): NodeResult {
  try {
    return validateNode(run, output);
  } catch (error) {
    if (!(error instanceof PythonException)) throw error;
    const raised: ServerError = {
      type: 'exception_during_validation',
      message: 'Exception when validating node',
      details: error.message,
      extra_info: { exception_type: error.type, traceback: [] },
    };
    const result: NodeResult = { valid: false, errors: [raised] };
    run.validated.set(output, result);
    return result;
  }
}

function outputsFailed(failures: readonly { errors: readonly ServerError[] }[]): ServerError {
  const lines = failures.flatMap(({ errors }) => errors.map(({ message, details }) => `${message}: ${details}`));
  return {
    type: 'prompt_outputs_failed_validation',
    message: 'Prompt outputs failed validation',
    details: lines.join('\n'),
    extra_info: {},
  };
}

function classTypeOf(prompt: PyDict, id: string): string {
  const node = prompt.get(id);
  return node instanceof Map ? pythonStr(node.get('class_type') ?? null) : '';
}

import type { JobError } from '@atelier/shared/contracts/job';

/** What kind of thing went wrong in a run, with what helps. */
interface FailureKind {
  name: string;
  pattern: RegExp;
  cause: string;
  remedies: string;
}

/** In order: the first that fits decides. */
const KINDS: readonly FailureKind[] = [
  {
    name: 'not_allowed',
    pattern: /workflow_not_allowed/,
    cause: "this server's rules do not allow it",
    remedies: 'other nodes or values, as the reason says; an operator can open what is closed',
  },
  {
    name: 'lost',
    pattern: /^(lost|quarantined|stalled)\b/,
    cause: 'ComfyUI went down or hung over it, more than once',
    remedies: 'another model, fewer pixels or a smaller batch; the operator can look at the server',
  },
  {
    name: 'no_output',
    pattern: /^no_output\b/,
    cause: 'it put out no file',
    remedies: 'a node that saves what it made, such as SaveImage',
  },
  {
    name: 'out_of_memory',
    pattern: /out.?of.?memory|OutOfMemory|CUDA error: out|allocat\w+ .*(gi?b|memory)|not enough memory/i,
    cause: 'the GPU has too little memory for this',
    remedies: 'fewer pixels, a smaller batch, or a lighter model',
  },
  {
    name: 'missing_model',
    pattern: /no such file|not found|does not exist|FileNotFound|missing (model|file)|not in list/i,
    cause: 'a file that it names is missing on the server',
    remedies: 'pick a file that search models lists; missing ones must be installed by the operator',
  },
  {
    name: 'wrong_family',
    pattern:
      /size mismatch for|state_dict|unexpected key|missing key|Could not detect model type|no matching model type|clip input is invalid|None.*(clip|vae)/i,
    cause: 'models of different families are combined, or the file is of another kind than its loader expects',
    remedies: 'checkpoint, LoRA, ControlNet, text encoder and VAE of one family',
  },
  {
    name: 'size_mismatch',
    pattern: /size of tensor|mat1 and mat2|shapes? .*cannot be|must match|expected .* channels|dimension|broadcast/i,
    cause: 'sizes or channels do not fit together',
    remedies:
      'sides that are multiples of 64; the same size for picture, mask and control picture; models of one family',
  },
  {
    name: 'broken_input',
    pattern:
      /^input_missing\b|cannot identify image|truncated|UnidentifiedImage|broken (data|png)|decod(e|ing) (error|failed)|Invalid image/i,
    cause: 'an input file is damaged or of an unknown kind',
    remedies: 'another picture, or the same one saved again as PNG or JPEG',
  },
  {
    name: 'too_long',
    pattern: /time[ _]?limit|timed? ?out|took too long/i,
    cause: 'it took longer than a job may take',
    remedies: 'fewer steps, fewer pixels, fewer frames or pictures at a time',
  },
];

const CRASH: Omit<FailureKind, 'pattern'> = {
  name: 'node_crash',
  cause: 'the node itself stumbled',
  remedies: 'other values for it, or another node that does the same',
};

export interface ExplainedFailure {
  /** Equal for failures that one change did not mend. */
  signature: string;
  /** The node, the cause and what helps, in English; ComfyUI's own words apart. */
  text: string;
  /** ComfyUI's own words, shortened: data. */
  details: string;
}

/** Says in words why a job failed. */
export function explainFailure(error: JobError | null): ExplainedFailure {
  const details = (error?.details ?? error?.message.en ?? '').slice(0, 800);
  const kind =
    KINDS.find(({ pattern }) => pattern.test(`${error?.code ?? ''} ${details} ${error?.message.en ?? ''}`)) ?? CRASH;
  const node =
    error?.nodeId === undefined && error?.classType === undefined
      ? ''
      : `Node ${error.nodeId ?? '?'}${error.classType === undefined ? '' : ` (${error.classType})`}: `;
  // What varies between two tries of the same mistake is left out.
  const core = details
    .toLowerCase()
    .replaceAll(/[\d.]+/g, '#')
    .slice(0, 120);
  return {
    signature: [error?.code ?? '', kind.name, error?.classType ?? '', core].join('|'),
    text: `${node}${kind.cause} (${kind.name}). What helps: ${kind.remedies}.`,
    details,
  };
}

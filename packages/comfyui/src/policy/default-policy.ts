import type { Policy } from './policy.ts';

const writesModels = 'it writes model files to the server';
const trains = 'it trains a model, which occupies the GPU for hours';
const readsFolders = 'it reads a folder of the server that is named by a path';
const readsBack = 'it reads files that others may have made';
const needsBrowser = 'it needs the browser page of ComfyUI';

const deniedClasses: ReadonlyMap<string, string> = new Map([
  ...['CheckpointSave', 'CLIPSave', 'VAESave', 'ModelSave', 'ImageOnlyCheckpointSave', 'LoraSave'].map(
    (name) => [name, writesModels] as const,
  ),
  ...['SaveLoRA', 'SaveLoRANode'].map((name) => [name, writesModels] as const),
  ...['TrainLoraNode', 'LossGraphNode', 'LoraModelLoader', 'MakeTrainingDataset', 'ResolutionBucket'].map(
    (name) => [name, trains] as const,
  ),
  // The data set is unpickled: whoever can place a file there runs code on the server.
  ['LoadTrainingDataset', 'it loads pickled data, which can run any code'],
  ['SaveTrainingDataset', 'it writes pickled data to a folder of the server'],
  ['SaveImageDataSetToFolder', 'it writes to a folder that is named by a path'],
  ['SaveImageTextDataSetToFolder', 'it writes to a folder that is named by a path'],
  ['LoadImageDataSetFromFolder', readsFolders],
  ['LoadImageTextDataSetFromFolder', readsFolders],
  ['LoadImageSetFromFolderNode', readsFolders],
  ['LoadImageTextSetFromFolderNode', readsFolders],
  ['DiffusersLoader', readsFolders],
  ['LoadImageOutput', readsBack],
  ['LoadLatent', readsBack],
  ['SaveLatent', 'it writes files that only it can read'],
  // ComfyUI serves SVG inline, where it can carry script.
  ['SaveSVGNode', 'it writes SVG, which can carry script'],
  ['WebcamCapture', needsBrowser],
  ['RecordAudio', needsBrowser],
  ['Load3D', needsBrowser],
  ['Load3DAnimation', needsBrowser],
  ['Preview3D', needsBrowser],
  ['Preview3DAnimation', needsBrowser],
  ['SamplerLCMUpscale', 'it enlarges what it samples past the limits'],
  // One short pattern can keep the only execution thread busy for years, and nothing interrupts it.
  ['RegexMatch', 'a regular expression can hang the server'],
  ['RegexExtract', 'a regular expression can hang the server'],
  ['RegexReplace', 'a regular expression can hang the server'],
]);

/** Classes of node packs that make pictures from pictures, take names from lists alone, and neither write nor fetch what a workflow names. */
const packClasses: readonly string[] = [
  'IPAdapter',
  'IPAdapterAdvanced',
  'IPAdapterUnifiedLoader',
  'RMBG',
  'InspyrenetRembg',
  'SAMModelLoader (segment anything)',
  'GroundingDinoModelLoader (segment anything)',
  'GroundingDinoSAMSegment (segment anything)',
];

/** A policy for a shared server: ComfyUI's own classes without those that write models, train, read folders or can run code. */
export const defaultPolicy: Policy = {
  packs: ['core', 'websocket_image_save'],
  allowedClasses: packClasses,
  deniedClasses,
  allowApiNodes: false,
  allowOutputSubfolders: true,
  loadedPixels: 2048 * 2048,
  loadedFrames: 121,
  allowListedFiles: true,
  limits: {
    maxNodes: 300,
    maxModels: 24,
    maxDepth: 120,
    maxPixels: 8192 * 8192,
    maxSide: 8192,
    maxSampledPixels: 4096 * 4096,
    maxBatch: 32,
    maxSteps: 150,
    maxFrames: 481,
    maxTensorPixels: 700_000_000,
    maxPixelSteps: 5_000_000_000,
    maxSeconds: 600,
    maxTextChars: 20_000,
    maxConditionings: 32,
  },
};

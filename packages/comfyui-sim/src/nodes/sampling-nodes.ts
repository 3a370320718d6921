import { labelText, sampleScene } from '../picture/paint-scene.ts';
import { familyOf } from '../profile/service-profile.ts';
import { token } from './loader-nodes.ts';
import { checkMemory } from './work-on-pixels.ts';
import type { NodeContext, NodeImplementation } from './node-context.ts';
import { booleanInput, numberInput, optionalInput, requiredInput, seedInput, textInput } from './read-input.ts';
import type { ConditioningValue, LatentItem, LatentValue, ModelValue, SimValue } from './sim-value.ts';

interface Sampling {
  model: ModelValue;
  positive: ConditioningValue;
  negative: ConditioningValue;
  latent: LatentValue;
  seed: bigint;
  steps: number;
  /** From 0 (keeps the latent) to 1 (repaints it). */
  denoise: number;
  /** What else changes the picture: sampler, scheduler, guidance. */
  settings: string;
}

/** Frames of a clip that are painted; those between show the nearest. */
const paintedFrames = 12;
/** A step on a thumbnail takes as long as on this many megapixels: its fixed cost. */
const leastMegapixels = 0.02;
/** Steps that a node takes where its workflow does not say. */
const usualSteps = 20;

/** Loads the model, then takes the steps with a preview each, and paints what comes out. */
async function sample(context: NodeContext, sampling: Sampling): Promise<LatentValue> {
  const { model, latent, steps } = sampling;
  checkMemory(latent, latent.isVideo ? paintedFrames : latent.items.length);
  await context.work(context.gpu.makeResident(model.name, model.loras));
  const items = paint(context, sampling);
  const megapixels = (latent.width * latent.height * latent.items.length) / 1_000_000;
  const stepMs = context.profile.stepMs[familyOf(model.name)] * Math.max(leastMegapixels, megapixels);
  for (let step = 1; step <= steps; step += 1) {
    await context.work(stepMs);
    await context.tick(step, steps, items[0]?.base);
  }
  return { ...latent, items };
}

function paint(context: NodeContext, sampling: Sampling): LatentItem[] {
  const { model, positive, negative, latent, denoise } = sampling;
  if (sampling.steps === 0) return [...latent.items];
  const prompt = positive.texts.join(', ');
  const words = labelText(prompt, sampling.seed, latent);
  const references = [...positive.references, ...model.references];
  const paintItem = (item: LatentItem, index: number): LatentItem => {
    const variation = [sampling.seed, index, model.name, model.loras.join('+'), sampling.settings].join('|');
    const scene = { prompt, negative: negative.texts.join(', '), variation };
    const picture = sampleScene(
      scene,
      latent,
      { base: item.base, denoise, mask: latent.mask, references },
      context.isHurried,
    );
    return { base: picture, words };
  };
  if (!latent.isVideo) return latent.items.map(paintItem);
  const stride = Math.max(1, Math.ceil(latent.items.length / paintedFrames));
  const frames = new Map<number, LatentItem>();
  return latent.items.map((item, index) => {
    const frame = Math.floor(index / stride);
    const painted = frames.get(frame) ?? paintItem(item, frame);
    frames.set(frame, painted);
    return painted;
  });
}

function stepsInput(context: NodeContext): number {
  return Math.max(0, Math.round(numberInput(context, 'steps', usualSteps)));
}

/** What samplers without a guider are linked to. */
function linkedInputs(context: NodeContext): Pick<Sampling, 'model' | 'positive' | 'negative' | 'latent'> {
  return {
    model: requiredInput(context, 'model', 'model'),
    positive: requiredInput(context, 'positive', 'conditioning'),
    negative: requiredInput(context, 'negative', 'conditioning'),
    latent: requiredInput(context, 'latent_image', 'latent'),
  };
}

const kSampler: NodeImplementation = {
  run: async (context) => {
    const denoise = Math.min(1, Math.max(0, numberInput(context, 'denoise', 1)));
    const latent = await sample(context, {
      ...linkedInputs(context),
      seed: seedInput(context, 'seed'),
      steps: denoise === 0 ? 0 : stepsInput(context),
      denoise,
      settings: `${textInput(context, 'sampler_name')} ${textInput(context, 'scheduler')} ${numberInput(context, 'cfg')} ${stepsInput(context)}`,
    });
    return { outputs: [latent] };
  },
};

const kSamplerAdvanced: NodeImplementation = {
  run: async (context) => {
    const steps = stepsInput(context);
    const start = Math.min(steps, numberInput(context, 'start_at_step'));
    const end = Math.min(steps, numberInput(context, 'end_at_step', steps));
    const taken = Math.max(0, end - start);
    const latent = await sample(context, {
      ...linkedInputs(context),
      seed: seedInput(context, 'noise_seed'),
      steps: taken,
      denoise: steps === 0 ? 0 : taken / steps,
      settings: `${textInput(context, 'sampler_name')} ${numberInput(context, 'cfg')} ${start}-${end}`,
    });
    return { outputs: [latent] };
  },
};

const noConditioning: ConditioningValue = { kind: 'conditioning', texts: [], references: [] };

const samplerCustomAdvanced: NodeImplementation = {
  run: async (context) => {
    const guider = requiredInput(context, 'guider', 'guider');
    const sigmas = requiredInput(context, 'sigmas', 'sigmas');
    const noise = requiredInput(context, 'noise', 'noise');
    const latent = await sample(context, {
      model: guider.model,
      positive: guider.positive,
      negative: guider.negative,
      latent: requiredInput(context, 'latent_image', 'latent'),
      seed: noise.seed,
      steps: sigmas.steps,
      denoise: sigmas.denoise,
      settings: optionalInput(context, 'sampler', 'sampler')?.name ?? '',
    });
    return { outputs: [latent, latent] };
  },
};

const samplerCustom: NodeImplementation = {
  run: async (context) => {
    const sigmas = requiredInput(context, 'sigmas', 'sigmas');
    const latent = await sample(context, {
      ...linkedInputs(context),
      seed: seedInput(context, 'noise_seed'),
      steps: sigmas.steps,
      denoise: sigmas.denoise,
      settings: `${optionalInput(context, 'sampler', 'sampler')?.name ?? ''} ${booleanInput(context, 'add_noise', true)}`,
    });
    return { outputs: [latent, latent] };
  },
};

const scheduler: NodeImplementation = {
  run: (context) => ({
    outputs: [
      {
        kind: 'sigmas',
        steps: stepsInput(context),
        denoise: Math.min(1, Math.max(0, numberInput(context, 'denoise', 1))),
      },
    ],
  }),
};

const splitSigmas: NodeImplementation = {
  run: (context) => {
    const { steps, denoise } = requiredInput(context, 'sigmas', 'sigmas');
    const at = Math.min(
      steps,
      Math.round(numberInput(context, 'step', steps * (1 - numberInput(context, 'denoise', 0.5)))),
    );
    const part = (count: number): SimValue => ({
      kind: 'sigmas',
      steps: count,
      denoise: steps === 0 ? 0 : (denoise * count) / steps,
    });
    return { outputs: [part(at), part(steps - at)] };
  },
};

const guider: NodeImplementation = {
  run: (context) => ({
    outputs: [
      {
        kind: 'guider',
        model: requiredInput(context, 'model', 'model'),
        positive:
          optionalInput(context, 'positive', 'conditioning') ??
          optionalInput(context, 'conditioning', 'conditioning') ??
          requiredInput(context, 'cond1', 'conditioning'),
        negative: optionalInput(context, 'negative', 'conditioning') ?? noConditioning,
      },
    ],
  }),
};

const namedSampler: NodeImplementation = {
  run: (context) => ({
    outputs: [{ kind: 'sampler', name: textInput(context, 'sampler_name', context.nodeClass.name) }],
  }),
};

const schedulers = [
  'BasicScheduler',
  'KarrasScheduler',
  'ExponentialScheduler',
  'PolyexponentialScheduler',
  'LaplaceScheduler',
  'VPScheduler',
  'BetaSamplingScheduler',
  'SDTurboScheduler',
  'AlignYourStepsScheduler',
  'GITSScheduler',
  'LTXVScheduler',
  'OptimalStepsScheduler',
  'Flux2Scheduler',
  'ManualSigmas',
];

const samplers = [
  'KSamplerSelect',
  'SamplerEulerAncestral',
  'SamplerEulerAncestralCFGPP',
  'SamplerLMS',
  'SamplerDPMPP_3M_SDE',
  'SamplerDPMPP_2M_SDE',
  'SamplerDPMPP_SDE',
  'SamplerDPMPP_2S_Ancestral',
  'SamplerDPMAdaptative',
  'SamplerER_SDE',
  'SamplerSASolver',
  'SamplerSEEDS2',
  'SamplerLCMUpscale',
  'SamplerEulerCFGpp',
];

export const samplingNodes: Readonly<Record<string, NodeImplementation>> = {
  KSampler: kSampler,
  KSamplerAdvanced: kSamplerAdvanced,
  SamplerCustom: samplerCustom,
  SamplerCustomAdvanced: samplerCustomAdvanced,
  ...Object.fromEntries(schedulers.map((name) => [name, scheduler])),
  ...Object.fromEntries(samplers.map((name) => [name, namedSampler])),
  SplitSigmas: splitSigmas,
  SplitSigmasDenoise: splitSigmas,
  FlipSigmas: { run: (context) => ({ outputs: [requiredInput(context, 'sigmas', 'sigmas')] }) },
  CFGGuider: guider,
  BasicGuider: guider,
  DualCFGGuider: guider,
  PerpNegGuider: guider,
  RandomNoise: {
    run: (context) => ({ outputs: [{ kind: 'noise', seed: seedInput(context, 'noise_seed'), adds: true }] }),
  },
  DisableNoise: { run: () => ({ outputs: [{ kind: 'noise', seed: 0n, adds: false }] }) },
  HyperTile: { run: (context) => ({ outputs: [context.inputs.get('model') ?? token('MODEL', '')] }) },
};

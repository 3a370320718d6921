import type { NodeContext, NodeImplementation } from './node-context.ts';
import { numberInput, optionalInput, requiredInput, textInput } from './read-input.ts';
import type { ConditioningValue, LatentValue, PictureReference, SimValue } from './sim-value.ts';

const none: ConditioningValue = { kind: 'conditioning', texts: [], references: [] };

function joined(...parts: readonly (ConditioningValue | undefined)[]): ConditioningValue {
  const present = parts.filter((part) => part !== undefined);
  return {
    kind: 'conditioning',
    texts: present.flatMap((part) => part.texts),
    references: present.flatMap((part) => part.references),
  };
}

function withReference(conditioning: ConditioningValue, references: readonly PictureReference[]): ConditioningValue {
  return { ...conditioning, references: [...conditioning.references, ...references] };
}

/** Pictures among a node's inputs, `image`, `image1`, … . */
function imageReferences(context: NodeContext, strength: number): PictureReference[] {
  const found: PictureReference[] = [];
  for (const value of context.inputs.values()) {
    if (value.kind === 'image' && value.pictures[0] !== undefined) found.push({ picture: value.pictures[0], strength });
  }
  return found;
}

/** Any text encoder: all its texts together, and the pictures that it sees. */
const encodeText: NodeImplementation = {
  run: (context) => {
    const texts: string[] = [];
    for (const [name, value] of context.inputs) {
      const input = context.nodeClass.inputsByName.get(name);
      if (value.kind !== 'literal' || typeof value.value !== 'string' || input?.type !== 'STRING') continue;
      const text = value.value.trim();
      if (text !== '' && !texts.includes(text)) texts.push(text);
    }
    return { outputs: [withReference({ ...none, texts }, imageReferences(context, 1))] };
  },
};

const combine: NodeImplementation = {
  run: (context) => ({
    outputs: [joined(...[...context.inputs.values()].filter((value) => value.kind === 'conditioning'))],
  }),
};

/** Area, time range, guidance and the like: passed on. */
const passOn: NodeImplementation = {
  run: (context) => ({ outputs: [requiredInput(context, 'conditioning', 'conditioning')] }),
};

const zeroOut: NodeImplementation = { run: () => ({ outputs: [none] }) };

const controlNet: NodeImplementation = {
  run: async (context) => {
    const control = context.inputs.get('control_net');
    if (control?.kind === 'token') await context.work(context.gpu.readSmall(control.label));
    const references = imageReferences(context, numberInput(context, 'strength', 1));
    const single = optionalInput(context, 'conditioning', 'conditioning');
    if (single !== undefined) return { outputs: [withReference(single, references)] };
    const positive = requiredInput(context, 'positive', 'conditioning');
    return { outputs: [withReference(positive, references), requiredInput(context, 'negative', 'conditioning')] };
  },
};

const referenceLatent: NodeImplementation = {
  run: (context) => {
    const conditioning = requiredInput(context, 'conditioning', 'conditioning');
    const base = optionalInput(context, 'latent', 'latent')?.items[0]?.base;
    return {
      outputs: [base === undefined ? conditioning : withReference(conditioning, [{ picture: base, strength: 1.1 }])],
    };
  },
};

const visionEncode: NodeImplementation = {
  run: (context) => ({ outputs: [withReference(none, imageReferences(context, 1))] }),
};

const styleModel: NodeImplementation = {
  run: (context) => {
    const conditioning = requiredInput(context, 'conditioning', 'conditioning');
    const vision = optionalInput(context, 'clip_vision_output', 'conditioning');
    const strength = numberInput(context, 'strength', 1);
    const references = (vision?.references ?? []).map(({ picture }) => ({ picture, strength }));
    return { outputs: [withReference(conditioning, references)] };
  },
};

/** Classes that take conditionings and a picture, and also make the latent to sample. */
const conditionAndLatent: NodeImplementation = {
  run: (context) => {
    const references = imageReferences(context, 1.1);
    const width = numberInput(context, 'width', references[0]?.picture.width ?? 832);
    const height = numberInput(context, 'height', references[0]?.picture.height ?? 480);
    const length = numberInput(context, 'length', 0);
    const frames = length > 0 ? length : numberInput(context, 'batch_size', 1);
    const base = references[0]?.picture;
    const latent: LatentValue = {
      kind: 'latent',
      width,
      height,
      isVideo: length > 0,
      items: Array.from({ length: frames }, () => (base === undefined ? {} : { base })),
    };
    const byName = (name: string): SimValue => optionalInput(context, name, 'conditioning') ?? none;
    return {
      outputs: context.nodeClass.outputs.map((output) =>
        output.type === 'LATENT'
          ? latent
          : output.type === 'CONDITIONING'
            ? byName(output.name)
            : { kind: 'token', type: output.type, label: textInput(context, 'text') },
      ),
    };
  },
};

const inpaintModel: NodeImplementation = {
  run: (context) => {
    const picture = requiredInput(context, 'pixels', 'image').pictures[0];
    const mask = optionalInput(context, 'mask', 'mask')?.masks[0];
    const latent: LatentValue = {
      kind: 'latent',
      width: picture?.width ?? 512,
      height: picture?.height ?? 512,
      isVideo: false,
      items: [picture === undefined ? {} : { base: picture }],
      ...(mask === undefined ? {} : { mask }),
    };
    return {
      outputs: [
        requiredInput(context, 'positive', 'conditioning'),
        requiredInput(context, 'negative', 'conditioning'),
        latent,
      ],
    };
  },
};

export const conditioningNodes: Readonly<Record<string, NodeImplementation>> = {
  CLIPTextEncode: encodeText,
  CLIPTextEncodeSDXL: encodeText,
  CLIPTextEncodeSDXLRefiner: encodeText,
  CLIPTextEncodeSD3: encodeText,
  CLIPTextEncodeFlux: encodeText,
  CLIPTextEncodeHunyuanDiT: encodeText,
  CLIPTextEncodeLumina2: encodeText,
  CLIPTextEncodePixArtAlpha: encodeText,
  CLIPTextEncodeHiDream: encodeText,
  TextEncodeQwenImageEdit: encodeText,
  TextEncodeQwenImageEditPlus: encodeText,
  TextEncodeHunyuanVideo_ImageToVideo: encodeText,
  ConditioningCombine: combine,
  ConditioningConcat: combine,
  ConditioningAverage: combine,
  ConditioningSetArea: passOn,
  ConditioningSetAreaPercentage: passOn,
  ConditioningSetAreaStrength: passOn,
  ConditioningSetMask: passOn,
  ConditioningSetTimestepRange: passOn,
  FluxGuidance: passOn,
  FluxDisableGuidance: passOn,
  FluxKontextMultiReferenceLatentMethod: passOn,
  ConditioningZeroOut: zeroOut,
  ControlNetApply: controlNet,
  ControlNetApplyAdvanced: controlNet,
  ControlNetApplySD3: controlNet,
  ControlNetInpaintingAliMamaApply: controlNet,
  ReferenceLatent: referenceLatent,
  CLIPVisionEncode: visionEncode,
  StyleModelApply: styleModel,
  InpaintModelConditioning: inpaintModel,
  WanImageToVideo: conditionAndLatent,
  WanFirstLastFrameToVideo: conditionAndLatent,
  WanVaceToVideo: conditionAndLatent,
  WanFunControlToVideo: conditionAndLatent,
  LTXVImgToVideo: conditionAndLatent,
  HunyuanImageToVideo: conditionAndLatent,
  SVD_img2vid_Conditioning: conditionAndLatent,
  LTXVConditioning: {
    run: (context) => ({
      outputs: [requiredInput(context, 'positive', 'conditioning'), requiredInput(context, 'negative', 'conditioning')],
    }),
  },
};

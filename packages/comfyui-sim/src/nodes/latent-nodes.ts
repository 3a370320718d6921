import { blendPictures, editPicture, kernelOf, resizePicture } from '../picture/edit-picture.ts';
import { labelPicture } from '../picture/paint-scene.ts';
import type { Picture } from '../picture/picture.ts';
import { solidPicture } from '../picture/edit-picture.ts';
import type { NodeContext, NodeImplementation } from './node-context.ts';
import { numberInput, optionalInput, requiredInput, textInput } from './read-input.ts';
import { workOnPixels } from './work-on-pixels.ts';
import type { LatentItem, LatentValue, SimValue } from './sim-value.ts';

/** Latents are multiples of eight pixels. */
function roundToEight(side: number): number {
  return Math.max(8, Math.floor(side / 8) * 8);
}

function empty(context: NodeContext): LatentValue {
  const length = Math.max(0, Math.round(numberInput(context, 'length', 0)));
  const count = length > 0 ? length : Math.max(1, Math.round(numberInput(context, 'batch_size', 1)));
  return {
    kind: 'latent',
    width: roundToEight(numberInput(context, 'width', 512)),
    height: roundToEight(numberInput(context, 'height', 512)),
    items: Array.from({ length: count }, () => ({})),
    isVideo: length > 0,
  };
}

const emptyLatent: NodeImplementation = { run: (context) => ({ outputs: [empty(context)] }) };

const encode: NodeImplementation = {
  run: async (context) => {
    const { pictures } = requiredInput(context, 'pixels', 'image');
    const mask = optionalInput(context, 'mask', 'mask')?.masks[0];
    const width = roundToEight(pictures[0]?.width ?? 512);
    const height = roundToEight(pictures[0]?.height ?? 512);
    await workOnPixels(context, pictures);
    const latent: LatentValue = {
      kind: 'latent',
      width,
      height,
      items: pictures.map((picture) => ({ base: cropTo(picture, width, height) })),
      isVideo: false,
      ...(mask === undefined ? {} : { mask }),
    };
    return { outputs: [latent] };
  },
};

/** Encoding cuts what is over a multiple of eight. */
function cropTo(picture: Picture, width: number, height: number): Picture {
  if (picture.width === width && picture.height === height) return picture;
  if (picture.width < width || picture.height < height) return resizePicture(picture, width, height);
  const left = Math.floor((picture.width - width) / 2);
  const top = Math.floor((picture.height - height) / 2);
  return editPicture(picture, width, height, (image) => image.extract({ left, top, width, height }));
}

/** What a latent decodes to: its painting with the label, or grey where nothing was painted. */
function decodeItem(item: LatentItem, latent: LatentValue): Picture {
  if (item.base === undefined) return solidPicture(latent.width, latent.height, 0x7f7f7f);
  const sized = resizePicture(item.base, latent.width, latent.height, 'linear');
  return item.words === undefined ? sized : labelPicture(sized, item.words);
}

const decode: NodeImplementation = {
  run: async (context) => {
    const latent = requiredInput(context, 'samples', 'latent');
    // Frames of a clip that show the same are decoded once.
    const decoded = new Map<LatentItem, Picture>();
    const pictures = latent.items.map((item) => {
      const picture = decoded.get(item) ?? decodeItem(item, latent);
      decoded.set(item, picture);
      return picture;
    });
    await workOnPixels(context, pictures);
    return { outputs: [{ kind: 'image', pictures }] };
  },
};

function scaled(latent: LatentValue, width: number, height: number, method: string): LatentValue {
  const items = latent.items.map((item) =>
    item.base === undefined ? item : { ...item, base: resizePicture(item.base, width, height, kernelOf(method)) },
  );
  return { ...latent, width, height, items };
}

const upscale: NodeImplementation = {
  run: (context) => {
    const latent = requiredInput(context, 'samples', 'latent');
    const wanted = { width: numberInput(context, 'width'), height: numberInput(context, 'height') };
    if (wanted.width === 0 && wanted.height === 0) return { outputs: [latent] };
    const width = wanted.width === 0 ? (latent.width * wanted.height) / latent.height : wanted.width;
    const height = wanted.height === 0 ? (latent.height * wanted.width) / latent.width : wanted.height;
    return {
      outputs: [
        scaled(
          latent,
          roundToEight(width),
          roundToEight(height),
          textInput(context, 'upscale_method', 'nearest-exact'),
        ),
      ],
    };
  },
};

const upscaleBy: NodeImplementation = {
  run: (context) => {
    const latent = requiredInput(context, 'samples', 'latent');
    const factor = numberInput(context, 'scale_by', 1.5);
    const method = textInput(context, 'upscale_method', 'nearest-exact');
    return {
      outputs: [scaled(latent, roundToEight(latent.width * factor), roundToEight(latent.height * factor), method)],
    };
  },
};

const setMask: NodeImplementation = {
  run: (context) => {
    const latent = requiredInput(context, 'samples', 'latent');
    const mask = requiredInput(context, 'mask', 'mask').masks[0];
    return { outputs: [mask === undefined ? latent : { ...latent, mask }] };
  },
};

const fromBatch: NodeImplementation = {
  run: (context) => {
    const latent = requiredInput(context, 'samples', 'latent');
    const start = Math.min(latent.items.length - 1, numberInput(context, 'batch_index'));
    return {
      outputs: [
        { ...latent, items: latent.items.slice(start, start + Math.max(1, numberInput(context, 'length', 1))) },
      ],
    };
  },
};

const repeat: NodeImplementation = {
  run: (context) => {
    const latent = requiredInput(context, 'samples', 'latent');
    const amount = Math.max(1, numberInput(context, 'amount', 1));
    return { outputs: [{ ...latent, items: Array.from({ length: amount }, () => latent.items).flat() }] };
  },
};

/** Two latents in one: mixed, or one pasted over the other. */
const mix: NodeImplementation = {
  run: (context) => {
    const first =
      optionalInput(context, 'samples1', 'latent') ??
      optionalInput(context, 'samples_to', 'latent') ??
      requiredInput(context, 'destination', 'latent');
    const second =
      optionalInput(context, 'samples2', 'latent') ??
      optionalInput(context, 'samples_from', 'latent') ??
      optionalInput(context, 'source', 'latent');
    const share = numberInput(context, 'blend_factor', numberInput(context, 'ratio', 0.5));
    const items = first.items.map((item, index): LatentItem => {
      const other = second?.items[index % Math.max(1, second.items.length)]?.base;
      if (item.base === undefined || other === undefined)
        return item.base === undefined && other !== undefined ? { ...item, base: other } : item;
      return { ...item, base: blendPictures(item.base, other, 1 - share) };
    });
    return { outputs: [{ ...first, items }] };
  },
};

const batchTwo: NodeImplementation = {
  run: (context) => {
    const latents = [...context.inputs.values()].filter(
      (value): value is Extract<SimValue, { kind: 'latent' }> => value.kind === 'latent',
    );
    const first = latents[0];
    if (first === undefined) return { outputs: [empty(context)] };
    return { outputs: [{ ...first, items: latents.flatMap((latent) => latent.items) }] };
  },
};

export const latentNodes: Readonly<Record<string, NodeImplementation>> = {
  EmptyLatentImage: emptyLatent,
  EmptySD3LatentImage: emptyLatent,
  EmptyFlux2LatentImage: emptyLatent,
  EmptyHunyuanImageLatent: emptyLatent,
  EmptyChromaRadianceLatentImage: emptyLatent,
  EmptyHunyuanLatentVideo: emptyLatent,
  EmptyHunyuanVideo15Latent: emptyLatent,
  EmptyLTXVLatentVideo: emptyLatent,
  EmptyMochiLatentVideo: emptyLatent,
  EmptyCosmosLatentVideo: emptyLatent,
  Wan22ImageToVideoLatent: {
    run: (context) => {
      const latent = empty(context);
      const start = optionalInput(context, 'start_image', 'image')?.pictures[0];
      return {
        outputs: [start === undefined ? latent : { ...latent, items: latent.items.map(() => ({ base: start })) }],
      };
    },
  },
  VAEEncode: encode,
  VAEEncodeTiled: encode,
  VAEEncodeForInpaint: encode,
  VAEDecode: decode,
  VAEDecodeTiled: decode,
  LatentUpscale: upscale,
  LatentUpscaleBy: upscaleBy,
  SetLatentNoiseMask: setMask,
  LatentFromBatch: fromBatch,
  RepeatLatentBatch: repeat,
  LatentBlend: mix,
  LatentInterpolate: mix,
  LatentComposite: mix,
  LatentCompositeMasked: mix,
  LatentAdd: mix,
  LatentBatch: batchTwo,
  BatchLatentsNode: batchTwo,
};

import { editPicture, kernelOf, mapPixels, resizePicture, solidPicture } from '../picture/edit-picture.ts';
import type { Picture } from '../picture/picture.ts';
import { workOnPixels } from './work-on-pixels.ts';
import type { NodeContext, NodeImplementation } from './node-context.ts';
import { numberInput, requiredInput, textInput } from './read-input.ts';
import type { ImageValue } from './sim-value.ts';

/** A batch of pictures. */
export function images(pictures: readonly Picture[]): ImageValue {
  return { kind: 'image', pictures };
}

/** A class that makes one picture of each. */
export function eachPicture(
  change: (picture: Picture, context: NodeContext) => Picture,
  inputName = 'image',
): NodeImplementation {
  return {
    run: async (context) => {
      const pictures = requiredInput(context, inputName, 'image').pictures.map((picture) => change(picture, context));
      await workOnPixels(context, pictures);
      return { outputs: context.nodeClass.outputs.map(() => images(pictures)) };
    },
  };
}

const emptyImage: NodeImplementation = {
  run: (context) => {
    const picture = solidPicture(
      numberInput(context, 'width', 512),
      numberInput(context, 'height', 512),
      numberInput(context, 'color'),
    );
    return {
      outputs: [images(Array.from({ length: Math.max(1, numberInput(context, 'batch_size', 1)) }, () => picture))],
    };
  },
};

const invert = eachPicture((picture) =>
  editPicture(picture, picture.width, picture.height, (image) => image.negate({ alpha: false })),
);

const scale = eachPicture((picture, context) => {
  const wanted = { width: numberInput(context, 'width'), height: numberInput(context, 'height') };
  if (wanted.width === 0 && wanted.height === 0) return picture;
  const width =
    wanted.width === 0 ? Math.max(1, Math.round((picture.width * wanted.height) / picture.height)) : wanted.width;
  const height =
    wanted.height === 0 ? Math.max(1, Math.round((picture.height * wanted.width) / picture.width)) : wanted.height;
  return resizePicture(
    picture,
    width,
    height,
    kernelOf(textInput(context, 'upscale_method')),
    textInput(context, 'crop') === 'center',
  );
});

function scaledBy(picture: Picture, factor: number, method: string): Picture {
  return resizePicture(
    picture,
    Math.max(1, Math.round(picture.width * factor)),
    Math.max(1, Math.round(picture.height * factor)),
    kernelOf(method),
  );
}

/** The factor that an upscale model's name says, 4 unless it says another. */
function modelFactor(name: string): number {
  const match = /(?:^|[^0-9])([1248])x|x([1248])(?:[^0-9]|$)/i.exec(name);
  return Number(match?.[1] ?? match?.[2] ?? 4);
}

/** Pictures larger than this are not made: a real card would run out of memory too. */
const maxSide = 8_192;

const upscaleWithModel = eachPicture((picture, context) => {
  const model = context.inputs.get('upscale_model');
  const factor = modelFactor(model?.kind === 'token' ? model.label : '');
  return scaledBy(picture, Math.min(factor, maxSide / Math.max(picture.width, picture.height)), 'lanczos');
});

function blendChannel(mode: string, a: number, b: number): number {
  const low = a / 255;
  const high = b / 255;
  switch (mode) {
    case 'multiply':
      return low * high * 255;
    case 'screen':
      return (1 - (1 - low) * (1 - high)) * 255;
    case 'overlay':
      return (low <= 0.5 ? 2 * low * high : 1 - 2 * (1 - low) * (1 - high)) * 255;
    case 'soft_light':
      return (
        (high <= 0.5 ? low - (1 - 2 * high) * low * (1 - low) : low + (2 * high - 1) * (Math.sqrt(low) - low)) * 255
      );
    case 'difference':
      return Math.abs(a - b);
    default:
      return b;
  }
}

const blend: NodeImplementation = {
  run: (context) => {
    const first = requiredInput(context, 'image1', 'image').pictures;
    const second = requiredInput(context, 'image2', 'image').pictures;
    const factor = numberInput(context, 'blend_factor', 0.5);
    const mode = textInput(context, 'blend_mode', 'normal');
    const pictures = first.map((picture, index) => {
      const other = second[index % Math.max(1, second.length)] ?? picture;
      return mapPixels(picture, other, (a, b) => a + (blendChannel(mode, a, b) - a) * factor);
    });
    return { outputs: [images(pictures)] };
  },
};

const batch: NodeImplementation = {
  run: (context) => {
    const all = [...context.inputs.values()].flatMap((value) => (value.kind === 'image' ? value.pictures : []));
    const first = all[0];
    return {
      outputs: [
        images(
          first === undefined
            ? []
            : all.map((picture) => resizePicture(picture, first.width, first.height, 'linear', true)),
        ),
      ],
    };
  },
};

const scaleToPixels = eachPicture((picture, context) => {
  const factor = Math.sqrt((numberInput(context, 'megapixels', 1) * 1_048_576) / (picture.width * picture.height));
  return scaledBy(picture, factor, textInput(context, 'upscale_method', 'lanczos'));
});

const kontextScale = eachPicture((picture) => {
  const factor = Math.sqrt(1_048_576 / (picture.width * picture.height));
  const side = (length: number): number => Math.max(16, Math.round((length * factor) / 16) * 16);
  return resizePicture(picture, side(picture.width), side(picture.height), 'lanczos3');
});

const blur = eachPicture((picture, context) =>
  editPicture(picture, picture.width, picture.height, (image) =>
    image.blur(
      Math.max(0.3, numberInput(context, 'sigma', 1) * Math.max(1, numberInput(context, 'blur_radius', 1) / 3)),
    ),
  ),
);

const sharpen = eachPicture((picture, context) =>
  editPicture(picture, picture.width, picture.height, (image) =>
    image.sharpen({ sigma: Math.max(0.5, numberInput(context, 'sigma', 1)) }),
  ),
);

const fromBatch: NodeImplementation = {
  run: (context) => {
    const { pictures } = requiredInput(context, 'image', 'image');
    const start = Math.min(pictures.length - 1, numberInput(context, 'batch_index'));
    return { outputs: [images(pictures.slice(start, start + Math.max(1, numberInput(context, 'length', 1))))] };
  },
};

const repeatBatch: NodeImplementation = {
  run: (context) => {
    const { pictures } = requiredInput(context, 'image', 'image');
    return {
      outputs: [images(Array.from({ length: Math.max(1, numberInput(context, 'amount', 1)) }, () => pictures).flat())],
    };
  },
};

const imageSize: NodeImplementation = {
  run: (context) => {
    const { pictures } = requiredInput(context, 'image', 'image');
    const number = (value: number) => ({ kind: 'literal', value }) as const;
    return { outputs: [number(pictures[0]?.width ?? 0), number(pictures[0]?.height ?? 0), number(pictures.length)] };
  },
};

export const imageNodes: Readonly<Record<string, NodeImplementation>> = {
  EmptyImage: emptyImage,
  ImageInvert: invert,
  ImageScale: scale,
  ImageScaleBy: eachPicture((picture, context) =>
    scaledBy(picture, numberInput(context, 'scale_by', 1), textInput(context, 'upscale_method')),
  ),
  ImageScaleToTotalPixels: scaleToPixels,
  ImageScaleToMaxDimension: eachPicture((picture, context) =>
    scaledBy(
      picture,
      numberInput(context, 'largest_size', 512) / Math.max(picture.width, picture.height),
      textInput(context, 'upscale_method'),
    ),
  ),
  FluxKontextImageScale: kontextScale,
  ImageUpscaleWithModel: upscaleWithModel,
  ImageBlend: blend,
  ImageBlur: blur,
  ImageSharpen: sharpen,
  ImageQuantize: eachPicture((picture, context) => {
    const levels = Math.max(2, Math.round(Math.cbrt(numberInput(context, 'colors', 256))));
    return mapPixels(picture, picture, (a) => (Math.round((a / 255) * (levels - 1)) * 255) / (levels - 1));
  }),
  ImageBatch: batch,
  BatchImagesNode: batch,
  ImageFromBatch: fromBatch,
  RepeatImageBatch: repeatBatch,
  GetImageSize: imageSize,
};

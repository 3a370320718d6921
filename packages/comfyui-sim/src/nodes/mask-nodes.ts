import { editPicture, mapPixels, resizePicture, sharpOf, solidPicture, toRaw } from '../picture/edit-picture.ts';
import { createPicture } from '../picture/picture.ts';
import type { Picture } from '../picture/picture.ts';
import { images } from './image-nodes.ts';
import type { NodeContext, NodeImplementation } from './node-context.ts';
import { numberInput, optionalInput, requiredInput, textInput } from './read-input.ts';

/** One channel of a picture as a mask; alpha is inverted, as ComfyUI has it: transparent is masked. */
export function channelMask(picture: Picture, channel: 'red' | 'green' | 'blue' | 'alpha'): Picture {
  return createPicture(picture.width, picture.height, async () => {
    const raw = await picture.raw();
    if (channel === 'alpha' && raw.channels === 3) {
      return { data: Buffer.alloc(raw.width * raw.height * 3), width: raw.width, height: raw.height, channels: 3 };
    }
    const index = { red: 0, green: 1, blue: 2, alpha: 3 }[channel];
    const data = Buffer.allocUnsafe(raw.width * raw.height * 3);
    for (let pixel = 0; pixel < raw.width * raw.height; pixel += 1) {
      const value = raw.data[pixel * raw.channels + index] ?? 0;
      data.fill(channel === 'alpha' ? 255 - value : value, pixel * 3, pixel * 3 + 3);
    }
    return { data, width: raw.width, height: raw.height, channels: 3 };
  });
}

function maskOf(context: NodeContext): readonly Picture[] {
  return requiredInput(context, 'mask', 'mask').masks;
}

function eachMask(change: (mask: Picture, context: NodeContext) => Picture): NodeImplementation {
  return {
    run: (context) => ({ outputs: [{ kind: 'mask', masks: maskOf(context).map((mask) => change(mask, context)) }] }),
  };
}

const grow = eachMask((mask, context) => {
  const expand = Math.round(numberInput(context, 'expand'));
  if (expand === 0) return mask;
  return editPicture(mask, mask.width, mask.height, (image) =>
    // sharp takes black for the foreground: eroding that makes the white grow.
    expand > 0 ? image.erode(expand) : image.dilate(-expand),
  );
});

const composite: NodeImplementation = {
  run: (context) => {
    const destination = requiredInput(context, 'destination', 'mask').masks;
    const source = requiredInput(context, 'source', 'mask').masks[0];
    const operation = textInput(context, 'operation', 'add');
    const combine = (a: number, b: number): number => {
      if (operation === 'multiply' || operation === 'and') return (a * b) / 255;
      if (operation === 'subtract') return a - b;
      if (operation === 'xor') return Math.abs(a - b);
      return operation === 'or' ? Math.max(a, b) : a + b;
    };
    return {
      outputs: [
        {
          kind: 'mask',
          masks: source === undefined ? destination : destination.map((mask) => mapPixels(mask, source, combine)),
        },
      ],
    };
  },
};

/** Puts a mask into transparency. */
function withAlpha(picture: Picture, mask: Picture): Picture {
  const shape = resizePicture(mask, picture.width, picture.height, 'linear');
  return createPicture(picture.width, picture.height, async () => {
    const [raw, alpha] = await Promise.all([picture.raw(), shape.raw()]);
    const data = Buffer.allocUnsafe(picture.width * picture.height * 4);
    for (let pixel = 0; pixel < picture.width * picture.height; pixel += 1) {
      raw.data.copy(data, pixel * 4, pixel * raw.channels, pixel * raw.channels + 3);
      data[pixel * 4 + 3] = 255 - (alpha.data[pixel * alpha.channels] ?? 0);
    }
    return { data, width: picture.width, height: picture.height, channels: 4 };
  });
}

export const maskNodes: Readonly<Record<string, NodeImplementation>> = {
  SolidMask: {
    run: (context) => {
      const grey = Math.round(Math.min(1, Math.max(0, numberInput(context, 'value', 1))) * 255);
      const mask = solidPicture(
        numberInput(context, 'width', 512),
        numberInput(context, 'height', 512),
        grey * 0x01_01_01,
      );
      return { outputs: [{ kind: 'mask', masks: [mask] }] };
    },
  },
  InvertMask: eachMask((mask) => editPicture(mask, mask.width, mask.height, (image) => image.negate({ alpha: false }))),
  GrowMask: grow,
  FeatherMask: eachMask((mask, context) => {
    const width = Math.max(...['left', 'top', 'right', 'bottom'].map((side) => numberInput(context, side)));
    return width > 0
      ? editPicture(mask, mask.width, mask.height, (image) => image.blur(Math.max(0.3, width / 3)))
      : mask;
  }),
  ThresholdMask: eachMask((mask, context) =>
    mapPixels(mask, mask, (a) => (a / 255 > numberInput(context, 'value', 0.5) ? 255 : 0)),
  ),
  CropMask: eachMask((mask, context) => {
    const left = Math.min(mask.width - 1, numberInput(context, 'x'));
    const top = Math.min(mask.height - 1, numberInput(context, 'y'));
    const width = Math.max(1, Math.min(mask.width - left, numberInput(context, 'width', mask.width)));
    const height = Math.max(1, Math.min(mask.height - top, numberInput(context, 'height', mask.height)));
    return editPicture(mask, width, height, (image) => image.extract({ left, top, width, height }));
  }),
  MaskComposite: composite,
  MaskToImage: { run: (context) => ({ outputs: [images(maskOf(context))] }) },
  ImageToMask: {
    run: (context) => {
      const channel = textInput(context, 'channel', 'red');
      const known = channel === 'green' || channel === 'blue' || channel === 'alpha' ? channel : 'red';
      return {
        outputs: [
          {
            kind: 'mask',
            masks: requiredInput(context, 'image', 'image').pictures.map((picture) => channelMask(picture, known)),
          },
        ],
      };
    },
  },
  ImageColorToMask: {
    run: (context) => {
      const colour = numberInput(context, 'color');
      const masks = requiredInput(context, 'image', 'image').pictures.map((picture) =>
        createPicture(picture.width, picture.height, async () => {
          const raw = await toRaw(sharpOf(await picture.raw()).removeAlpha());
          const data = Buffer.alloc(raw.data.length);
          for (let at = 0; at < raw.data.length; at += 3)
            if (raw.data.readUIntBE(at, 3) === colour) data.fill(255, at, at + 3);
          return { ...raw, data };
        }),
      );
      return { outputs: [{ kind: 'mask', masks }] };
    },
  },
  JoinImageWithAlpha: {
    run: (context) => {
      const alpha = requiredInput(context, 'alpha', 'mask').masks[0];
      const { pictures } = requiredInput(context, 'image', 'image');
      return {
        outputs: [images(alpha === undefined ? pictures : pictures.map((picture) => withAlpha(picture, alpha)))],
      };
    },
  },
  SplitImageWithAlpha: {
    run: (context) => {
      const { pictures } = requiredInput(context, 'image', 'image');
      return {
        outputs: [
          images(
            pictures.map((picture) =>
              editPicture(picture, picture.width, picture.height, (image) => image.removeAlpha()),
            ),
          ),
          { kind: 'mask', masks: pictures.map((picture) => channelMask(picture, 'alpha')) },
        ],
      };
    },
  },
  BatchMasksNode: {
    run: (context) => ({
      outputs: [
        {
          kind: 'mask',
          masks: [...context.inputs.keys()].flatMap((name) => optionalInput(context, name, 'mask')?.masks ?? []),
        },
      ],
    }),
  },
};

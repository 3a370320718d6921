import { blendPictures, editPicture, resizePicture, solidPicture } from '../picture/edit-picture.ts';
import type { Picture } from '../picture/picture.ts';
import { eachPicture, images } from './image-nodes.ts';
import type { NodeImplementation } from './node-context.ts';
import { booleanInput, numberInput, optionalInput, requiredInput, textInput } from './read-input.ts';

const composite: NodeImplementation = {
  run: (context) => {
    const destination = requiredInput(context, 'destination', 'image').pictures;
    const source = requiredInput(context, 'source', 'image').pictures;
    const mask = optionalInput(context, 'mask', 'mask')?.masks[0];
    const left = numberInput(context, 'x');
    const top = numberInput(context, 'y');
    const pictures = destination.map((base, index) => {
      const over = source[index % Math.max(1, source.length)] ?? base;
      if (booleanInput(context, 'resize_source')) return blendPictures(base, over, 1, mask);
      const canvas = placeOn(base.width, base.height, over, left, top, 0x000000);
      const shape = placeOn(
        base.width,
        base.height,
        mask === undefined
          ? solidPicture(over.width, over.height, 0xffffff)
          : resizePicture(mask, over.width, over.height),
        left,
        top,
        0x000000,
      );
      return blendPictures(base, canvas, 1, shape);
    });
    return { outputs: [images(pictures)] };
  },
};

/** A picture on a plain canvas; what hangs over is cut. */
function placeOn(width: number, height: number, picture: Picture, left: number, top: number, colour: number): Picture {
  const x = Math.round(left);
  const y = Math.round(top);
  const visibleWidth = Math.min(width, x + picture.width) - Math.max(0, x);
  const visibleHeight = Math.min(height, y + picture.height) - Math.max(0, y);
  const canvas = solidPicture(width, height, colour);
  if (visibleWidth <= 0 || visibleHeight <= 0) return canvas;
  return editPicture(canvas, width, height, async (image) => {
    const raw = await picture.raw();
    const part = { left: Math.max(0, -x), top: Math.max(0, -y), width: visibleWidth, height: visibleHeight };
    const rows = cut(raw.data, raw.width, raw.channels, part);
    return image.composite([
      {
        input: rows,
        raw: { width: visibleWidth, height: visibleHeight, channels: raw.channels },
        left: Math.max(0, x),
        top: Math.max(0, y),
      },
    ]);
  });
}

function cut(
  data: Buffer,
  width: number,
  channels: number,
  part: { left: number; top: number; width: number; height: number },
): Buffer {
  const rows: Buffer[] = [];
  for (let row = part.top; row < part.top + part.height; row += 1) {
    const start = (row * width + part.left) * channels;
    rows.push(data.subarray(start, start + part.width * channels));
  }
  return Buffer.concat(rows);
}

const pad: NodeImplementation = {
  run: (context) => {
    const { pictures } = requiredInput(context, 'image', 'image');
    const [left = 0, top = 0, right = 0, bottom = 0] = ['left', 'top', 'right', 'bottom'].map((name) =>
      numberInput(context, name),
    );
    const width = (pictures[0]?.width ?? 0) + left + right;
    const height = (pictures[0]?.height ?? 0) + top + bottom;
    const padded = pictures.map((picture) => placeOn(width, height, picture, left, top, 0x7f7f7f));
    const kept = solidPicture(pictures[0]?.width ?? 1, pictures[0]?.height ?? 1, 0x000000);
    return { outputs: [images(padded), { kind: 'mask', masks: [placeOn(width, height, kept, left, top, 0xffffff)] }] };
  },
};

const crop = eachPicture((picture, context) => {
  const left = Math.min(picture.width - 1, numberInput(context, 'x'));
  const top = Math.min(picture.height - 1, numberInput(context, 'y'));
  const width = Math.max(1, Math.min(picture.width - left, numberInput(context, 'width', picture.width)));
  const height = Math.max(1, Math.min(picture.height - top, numberInput(context, 'height', picture.height)));
  return editPicture(picture, width, height, (image) => image.extract({ left, top, width, height }));
});

const rotate = eachPicture((picture, context) => {
  const turns = { '90 degrees': 90, '180 degrees': 180, '270 degrees': 270 }[textInput(context, 'rotation')] ?? 0;
  const isSideways = turns % 180 !== 0;
  return editPicture(
    picture,
    isSideways ? picture.height : picture.width,
    isSideways ? picture.width : picture.height,
    (image) => image.rotate(turns),
  );
});

const flip = eachPicture((picture, context) =>
  editPicture(picture, picture.width, picture.height, (image) =>
    textInput(context, 'flip_method').startsWith('x') ? image.flip() : image.flop(),
  ),
);

const stitch: NodeImplementation = {
  run: (context) => {
    const first = requiredInput(context, 'image1', 'image').pictures[0];
    const second = optionalInput(context, 'image2', 'image')?.pictures[0];
    if (first === undefined || second === undefined) return { outputs: [images(first === undefined ? [] : [first])] };
    const direction = textInput(context, 'direction', 'right');
    const isRow = direction === 'right' || direction === 'left';
    const other = isRow
      ? resizePicture(second, Math.max(1, Math.round((second.width * first.height) / second.height)), first.height)
      : resizePicture(second, first.width, Math.max(1, Math.round((second.height * first.width) / second.width)));
    const [a, b] = direction === 'right' || direction === 'down' ? [first, other] : [other, first];
    const width = isRow ? a.width + b.width : first.width;
    const height = isRow ? first.height : a.height + b.height;
    const left = placeOn(width, height, a, 0, 0, 0xffffff);
    const place = { x: isRow ? a.width : 0, y: isRow ? 0 : a.height };
    const shape = placeOn(width, height, solidPicture(b.width, b.height, 0xffffff), place.x, place.y, 0x000000);
    return { outputs: [images([blendPictures(left, placeOn(width, height, b, place.x, place.y, 0), 1, shape)])] };
  },
};

/** Classes that cut, turn and put pictures together. */
export const imageLayoutNodes: Readonly<Record<string, NodeImplementation>> = {
  ImageCompositeMasked: composite,
  ImagePadForOutpaint: pad,
  ImageCrop: crop,
  ImageRotate: rotate,
  ImageFlip: flip,
  ImageStitch: stitch,
};

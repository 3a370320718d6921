import sharp from 'sharp';
import type { JsonObject } from '@atelier/comfyui/json/json';
import { opaque } from '../picture/edit-picture.ts';
import type { Picture } from '../picture/picture.ts';
import { saveFiles } from './file-nodes.ts';
import { images } from './image-nodes.ts';
import type { NodeContext, NodeImplementation } from './node-context.ts';
import { numberInput, requiredInput, textInput } from './read-input.ts';

/** Frames that an animation holds at most, and its longest side: enough to see it move. */
const maxFrames = 24;
const maxSide = 320;

/** An animated WebP of the frames, thinned out where there are many. */
async function encodeAnimation(pictures: readonly Picture[], framesPerSecond: number): Promise<Buffer> {
  const stride = Math.max(1, Math.ceil(pictures.length / maxFrames));
  const shown = pictures.filter((_, index) => index % stride === 0);
  const first = shown[0];
  if (first === undefined) return Buffer.alloc(0);
  const scale = Math.min(1, maxSide / Math.max(first.width, first.height));
  const width = Math.max(1, Math.round(first.width * scale));
  const height = Math.max(1, Math.round(first.height * scale));
  const frames = await Promise.all(
    shown.map(async (picture) => {
      const raw = await opaque(picture);
      return sharp(raw.data, { raw: { width: raw.width, height: raw.height, channels: 3 } })
        .resize(width, height, { fit: 'fill' })
        .png({ compressionLevel: 0 })
        .toBuffer();
    }),
  );
  const delayMs = Math.round((1000 * stride) / Math.max(1, framesPerSecond));
  return sharp(frames, { join: { animated: true } })
    .webp({ quality: 70, effort: 0, delay: frames.map(() => delayMs), loop: 0 })
    .toBuffer();
}

async function saveAnimation(
  context: NodeContext,
  pictures: readonly Picture[],
  framesPerSecond: number,
  extension: string,
): Promise<JsonObject> {
  const bytes = await encodeAnimation(pictures, framesPerSecond);
  const size = { width: pictures[0]?.width ?? 0, height: pictures[0]?.height ?? 0 };
  const saved = await saveFiles(context, 'output', textInput(context, 'filename_prefix', 'ComfyUI'), extension, [
    { bytes, ...size },
  ]);
  return { images: saved, animated: [true] };
}

/** Whatever the class calls its format, the file is an animated WebP: the simulator has no video encoder. */
function saveFrames(inputName: string): NodeImplementation {
  return {
    run: async (context) => ({
      outputs: [],
      ui: await saveAnimation(
        context,
        requiredInput(context, inputName, 'image').pictures,
        numberInput(context, 'fps', 16),
        'webp',
      ),
    }),
  };
}

export const videoNodes: Readonly<Record<string, NodeImplementation>> = {
  SaveAnimatedWEBP: saveFrames('images'),
  SaveAnimatedPNG: saveFrames('images'),
  SaveWEBM: saveFrames('images'),
  CreateVideo: {
    run: (context) => ({
      outputs: [
        {
          kind: 'video',
          pictures: requiredInput(context, 'images', 'image').pictures,
          framesPerSecond: numberInput(context, 'fps', 30),
        },
      ],
    }),
  },
  GetVideoComponents: {
    run: (context) => {
      const { pictures, framesPerSecond } = requiredInput(context, 'video', 'video');
      return {
        outputs: [
          images(pictures),
          { kind: 'token', type: 'AUDIO', label: 'silence' },
          { kind: 'literal', value: framesPerSecond },
        ],
      };
    },
  },
  SaveVideo: {
    run: async (context) => {
      const { pictures, framesPerSecond } = requiredInput(context, 'video', 'video');
      return { outputs: [], ui: await saveAnimation(context, pictures, framesPerSecond, 'webp') };
    },
  },
};

import sharp from 'sharp';
import type { JsonObject } from '@atelier/comfyui/json/json';
import { addressOf, insidePath } from '../files/file-names.ts';
import type { FolderType } from '../files/file-store.ts';
import { toRaw } from '../picture/edit-picture.ts';
import { encodePng } from '../picture/encode-png.ts';
import { createPicture } from '../picture/picture.ts';
import type { Picture, RawPicture } from '../picture/picture.ts';
import { images } from './image-nodes.ts';
import { workOnPixels } from './work-on-pixels.ts';
import { channelMask } from './mask-nodes.ts';
import { NodeException } from './node-context.ts';
import type { NodeContext, NodeImplementation } from './node-context.ts';
import { requiredInput, textInput } from './read-input.ts';

/** Pixels of an input picture that are decoded at most. */
const maxInputPixels = 100_000_000;

async function loadRaw(context: NodeContext): Promise<{ raw: RawPicture; hasAlpha: boolean }> {
  const value = textInput(context, 'image');
  const address = addressOf(value, context.nodeClass.name === 'LoadImageOutput' ? 'output' : 'input');
  const file = address === undefined ? undefined : await context.files.read(address.folder, address.name);
  const path = `/comfyui/${address?.folder ?? 'input'}/${address?.name ?? value}`;
  if (file === undefined)
    throw new NodeException('FileNotFoundError', `[Errno 2] No such file or directory: '${path}'`);
  try {
    const image = sharp(file.bytes, { limitInputPixels: maxInputPixels }).rotate();
    const { hasAlpha } = await image.metadata();
    return { raw: await toRaw(image), hasAlpha };
  } catch (error) {
    throw new NodeException('PIL.UnidentifiedImageError', `cannot identify image file '${path}'`, { cause: error });
  }
}

function fixed(raw: RawPicture): Picture {
  return createPicture(raw.width, raw.height, () => Promise.resolve(raw));
}

const loadImage: NodeImplementation = {
  run: async (context) => {
    const { raw, hasAlpha } = await loadRaw(context);
    const whole = fixed(raw);
    const opaque = createPicture(raw.width, raw.height, async () =>
      raw.channels === 3
        ? raw
        : toRaw(sharp(raw.data, { raw: { width: raw.width, height: raw.height, channels: 4 } }).removeAlpha()),
    );
    // Without transparency ComfyUI gives a small empty mask.
    const empty = fixed({ data: Buffer.alloc(64 * 64 * 3), width: 64, height: 64, channels: 3 });
    return { outputs: [images([opaque]), { kind: 'mask', masks: [hasAlpha ? channelMask(whole, 'alpha') : empty] }] };
  },
};

const loadMask: NodeImplementation = {
  run: async (context) => {
    const { raw } = await loadRaw(context);
    const channel = textInput(context, 'channel', 'alpha');
    const known = channel === 'red' || channel === 'green' || channel === 'blue' ? channel : 'alpha';
    return { outputs: [{ kind: 'mask', masks: [channelMask(fixed(raw), known)] }] };
  },
};

/** Where `filename_prefix` puts a picture (folder_paths.get_save_image_path). */
function savePlace(
  context: NodeContext,
  prefix: string,
  width: number,
  height: number,
): { subfolder: string; filename: string } {
  const time = new Date(context.clock.now());
  const two = (value: number): string => String(value).padStart(2, '0');
  const filled = prefix
    .replaceAll('%width%', String(width))
    .replaceAll('%height%', String(height))
    .replaceAll('%year%', String(time.getFullYear()))
    .replaceAll('%month%', two(time.getMonth() + 1))
    .replaceAll('%day%', two(time.getDate()))
    .replaceAll('%hour%', two(time.getHours()))
    .replaceAll('%minute%', two(time.getMinutes()))
    .replaceAll('%second%', two(time.getSeconds()));
  const path = insidePath(filled);
  if (path === undefined) {
    throw new NodeException('Exception', '**** ERROR: Saving image outside the output folder is not allowed.');
  }
  const at = path.lastIndexOf('/');
  return { subfolder: at === -1 ? '' : path.slice(0, at), filename: path.slice(at + 1) };
}

/** Writes files `prefix_00001_.ext`, …, and gives their references as `executed` names them. */
export async function saveFiles(
  context: NodeContext,
  folder: FolderType,
  prefix: string,
  extension: string,
  files: readonly { bytes: Buffer; width: number; height: number }[],
): Promise<JsonObject[]> {
  const place = savePlace(context, prefix, files[0]?.width ?? 0, files[0]?.height ?? 0);
  const base = place.subfolder === '' ? place.filename : `${place.subfolder}/${place.filename}`;
  let counter = context.files.nextCounter(folder, base);
  const saved: JsonObject[] = [];
  for (const [index, { bytes }] of files.entries()) {
    const ending = `_${String(counter).padStart(5, '0')}_.${extension}`;
    const filename = `${place.filename.replaceAll('%batch_num%', String(index))}${ending}`;
    await context.files.write(folder, place.subfolder === '' ? filename : `${place.subfolder}/${filename}`, bytes);
    saved.push({ filename, subfolder: place.subfolder, type: folder });
    counter += 1;
  }
  return saved;
}

/** PNG files with `prompt` and whatever `extra_pnginfo` carries, `workflow` first of all. */
async function savePngs(
  context: NodeContext,
  pictures: readonly Picture[],
  folder: FolderType,
  prefix: string,
): Promise<JsonObject> {
  await workOnPixels(context, pictures);
  const texts: JsonObject = { prompt: context.prompt, ...context.extraPngInfo };
  const encoded = new Map<Picture, Promise<Buffer>>();
  const files = await Promise.all(
    pictures.map(async (picture) => {
      const bytes = encoded.get(picture) ?? encodePng(picture, texts);
      encoded.set(picture, bytes);
      return { bytes: await bytes, width: picture.width, height: picture.height };
    }),
  );
  return { images: await saveFiles(context, folder, prefix, 'png', files) };
}

const saveImage: NodeImplementation = {
  run: async (context) => {
    const { pictures } = requiredInput(context, 'images', 'image');
    return {
      outputs: [],
      ui: await savePngs(context, pictures, 'output', textInput(context, 'filename_prefix', 'ComfyUI')),
    };
  },
};

/** A prefix that lasts as long as the node's object: `ComfyUI_temp_abcde`. */
function tempPrefix(context: NodeContext): string {
  const kept = context.objectState.get('prefix') ?? `ComfyUI_temp_${context.randomLetters(5)}`;
  context.objectState.set('prefix', kept);
  return kept;
}

const previewImage: NodeImplementation = {
  run: async (context) => {
    const { pictures } = requiredInput(context, 'images', 'image');
    return { outputs: [], ui: await savePngs(context, pictures, 'temp', tempPrefix(context)) };
  },
};

const previewMask: NodeImplementation = {
  run: async (context) => ({
    outputs: [],
    ui: await savePngs(context, requiredInput(context, 'mask', 'mask').masks, 'temp', tempPrefix(context)),
  }),
};

const saveToSocket: NodeImplementation = {
  run: async (context) => {
    const { pictures } = requiredInput(context, 'images', 'image');
    for (const [index, picture] of pictures.entries()) {
      const bytes = await encodePng(picture, {});
      await context.tick(index, pictures.length);
      context.sendPicture(bytes);
    }
    return { outputs: [] };
  },
};

export const fileNodes: Readonly<Record<string, NodeImplementation>> = {
  LoadImage: loadImage,
  LoadImageOutput: loadImage,
  LoadImageMask: loadMask,
  SaveImage: saveImage,
  PreviewImage: previewImage,
  MaskPreview: previewMask,
  SaveImageWebsocket: saveToSocket,
};

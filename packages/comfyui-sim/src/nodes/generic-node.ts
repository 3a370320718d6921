import { paintScene } from '../picture/paint-scene.ts';
import { solidPicture } from '../picture/edit-picture.ts';
import { saveFiles } from './file-nodes.ts';
import { encodePng } from '../picture/encode-png.ts';
import type { NodeContext, NodeResult } from './node-context.ts';
import type { SimValue } from './sim-value.ts';

/**
 * Runs a class that the simulator does not know, custom nodes included: each output takes the first input of its type,
 * else something of that type. An output node that got pictures saves them.
 */
export async function runGeneric(context: NodeContext): Promise<NodeResult> {
  const outputs = context.nodeClass.outputs.map((output) => valueOfType(context, output.type));
  if (!context.nodeClass.isOutputNode) return { outputs };
  const pictures = [...context.inputs.values()].flatMap((value) => (value.kind === 'image' ? value.pictures : []));
  if (pictures.length === 0) return { outputs };
  const files = await Promise.all(
    pictures.map(async (picture) => ({
      bytes: await encodePng(picture, { prompt: context.prompt }),
      width: picture.width,
      height: picture.height,
    })),
  );
  return { outputs, ui: { images: await saveFiles(context, 'output', context.nodeClass.name, 'png', files) } };
}

const kindOfType: Readonly<Record<string, SimValue['kind']>> = {
  MODEL: 'model',
  CONDITIONING: 'conditioning',
  LATENT: 'latent',
  IMAGE: 'image',
  MASK: 'mask',
  VIDEO: 'video',
  SAMPLER: 'sampler',
  SIGMAS: 'sigmas',
  NOISE: 'noise',
  GUIDER: 'guider',
};

function valueOfType(context: NodeContext, type: string): SimValue {
  const kind = kindOfType[type];
  for (const [name, value] of context.inputs) {
    const input = context.nodeClass.inputsByName.get(name);
    if (
      kind === undefined
        ? input?.types.includes(type) === true || (value.kind === 'token' && value.type === type)
        : value.kind === kind
    )
      return value;
  }
  switch (kind) {
    case 'image':
      return {
        kind: 'image',
        pictures: [
          paintScene(
            {
              prompt: context.nodeClass.displayName,
              negative: '',
              variation: JSON.stringify([...context.inputs.keys()]),
            },
            512,
            512,
            context.isHurried,
          ),
        ],
      };
    case 'mask':
      return { kind: 'mask', masks: [solidPicture(512, 512, 0xffffff)] };
    case 'conditioning':
      return { kind: 'conditioning', texts: [], references: [] };
    case 'latent':
      return { kind: 'latent', width: 512, height: 512, items: [{}], isVideo: false };
    case 'model':
      return { kind: 'model', name: context.nodeClass.name, loras: [], references: [] };
    case 'sigmas':
      return { kind: 'sigmas', steps: 20, denoise: 1 };
    case 'sampler':
      return { kind: 'sampler', name: context.nodeClass.name };
    default:
      return type === 'INT' || type === 'FLOAT' || type === 'STRING' || type === 'BOOLEAN' || type === 'COMBO'
        ? { kind: 'literal', value: type === 'STRING' || type === 'COMBO' ? '' : type === 'BOOLEAN' ? false : 0 }
        : { kind: 'token', type, label: context.nodeClass.name };
  }
}

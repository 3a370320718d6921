import { sampleWorkflows } from './sample-workflows.ts';
import type { MutableWorkflow, Pick } from './sample-workflows.ts';

const prompts = [
  'a lighthouse at dusk, 50mm f/1.8, shot on film',
  'portrait and/or landscape, 24/7 diner, v1.5 look',
  'the text "../../home" painted on a wall, 100% cotton shirt',
  'C:\\Windows as a fantasy castle, %20 discount sign',
  'a poster that says https://example.com/path?x=1',
  '(masterpiece:1.2), [blurry|sharp], {red|blue|green} hair, <wide>',
  'embedding:easy-negative, ink on paper',
  'embedding:styles/gouache soft light',
  'Zeile eins\nZeile zwei\tmit Tab',
  '一只猫坐在窗边，写着“你好/再见”，电影感。',
  "rue de l’Église, l'été … “naïve” style — très joli",
  'emoji 🎨🦊 and 👩‍🚀 in space',
  '[output] and [temp] are words in this picture of a whiteboard',
  'null; DROP TABLE images; -- as graffiti',
  '',
];
const prefixes = [
  'ComfyUI',
  'ada_2026-11',
  'my picture',
  'v1.5 test',
  '%date:yyyy-MM-dd%_%KSampler.seed%',
  'størrelse_%width%x%height%',
  '灯塔',
  'a(1)',
  'people/ada',
  'inpaint/out',
];
const sizes: readonly (readonly [number, number])[] = [
  [512, 512],
  [512, 768],
  [768, 512],
  [832, 1216],
  [1024, 1024],
  [1344, 768],
  [1536, 1536],
  [1920, 1080],
];
const seeds = [0, 7, 123456789, 9007199254740991, 9007199254740993n, 18446744073709551615n];

/** Workflows that people ask for every day, varied by the seeded picker. */
export function harmlessWorkflows(count: number, pick: Pick): { name: string; workflow: MutableWorkflow }[] {
  const samples = Object.entries(sampleWorkflows);
  const one = <T>(list: readonly T[]): T => list[pick(list.length)]!;
  return Array.from({ length: count }, (_, index) => {
    const [name, build] = samples[index % samples.length]!;
    const [width, height] = one(sizes);
    const workflow = build({
      prompt: one(prompts),
      negative: one(prompts),
      seed: one(seeds),
      steps: one([4, 8, 20, 30, 50]),
      cfg: one([1, 3.5, 7, 8.5]),
      width,
      height,
      batch: one([1, 1, 2, 4]),
      prefix: one(prefixes),
    });
    return { name: `${name}/${index}`, workflow: withNewIds(workflow, one(['', 'n', '12:', 'node '])) };
  });
}

/** Ids are texts of any kind: subgraphs give `12:3`, people give names. */
function withNewIds(workflow: MutableWorkflow, prefix: string): MutableWorkflow {
  const renamed: MutableWorkflow = {};
  for (const [id, node] of Object.entries(workflow)) {
    const inputs = Object.fromEntries(
      Object.entries(node.inputs).map(([name, value]) => {
        if (!Array.isArray(value) || typeof value[0] !== 'string') return [name, value];
        return [name, [prefix + value[0], ...value.slice(1)]];
      }),
    );
    renamed[prefix + id] = { ...node, inputs };
  }
  return renamed;
}

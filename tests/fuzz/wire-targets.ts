import { parseFinishedJob, parseHistoryEntry, outputFiles } from '@atelier/comfyui/client/finished-prompt';
import { parseEvent } from '@atelier/comfyui/client/parse-event';
import { parseFrame } from '@atelier/comfyui/client/parse-frame';
import { parseJobList, parseQueue } from '@atelier/comfyui/client/parse-queue';
import { parsePostAnswer } from '@atelier/comfyui/client/post-answer';
import { parseSystemStats } from '@atelier/comfyui/client/system-stats';
import { isJsonObject } from '@atelier/comfyui/json/is-json-object';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { parseParameters } from '@atelier/comfyui/metadata/parse-parameters';
import { parseMetadata } from '@atelier/comfyui/metadata/read-metadata';
import { stripMetadata } from '@atelier/comfyui/metadata/write-metadata';
import { listModels } from '@atelier/comfyui/registry/models';
import { parseRegistry } from '@atelier/comfyui/registry/parse-registry';
import { readRecordedObjectInfo } from '@atelier/comfyui/registry/recorded-registry';
import { createRegistrySearch } from '@atelier/comfyui/registry/search-registry';
import { allowed, giantSize } from './fuzz-target.ts';
import type { FuzzMaterial, FuzzTarget } from './fuzz-target.ts';
import { giantImages, hostileFrame, hostileImage } from './hostile-bytes.ts';
import { filled, giantTexts, giantValues, hostileText, hostileValue, mutateText } from './hostile-json.ts';
import type { Random } from './random.ts';

const parameters =
  'a fox, <lora:ink:0.8>\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 18446744073709551615, Size: 512x768, Model: x, Lora hashes: "a: b, c: d"';

/** What reads answers and messages of servers, registries and files. */
export function wireTargets({ prompts, workflows }: FuzzMaterial): FuzzTarget[] {
  const classes = Object.entries(jsonObjectOf(readRecordedObjectInfo('0.8.0')));
  const someClasses = (random: Random): string =>
    stringifyJson(
      Object.fromEntries(Array.from({ length: 6 }, () => classes[random.integer(classes.length)] ?? ['', null])),
    );
  const workflow = stringifyJson(workflows[0]);
  const ran = `"status":{"status_str":"success","completed":true,"messages":[["execution_start",{"prompt_id":"a","timestamp":1}],["execution_error",{"node_id":"3","exception_type":"X","traceback":["a"]}]]}`;
  const outputs = `"outputs":{"9":{"images":[{"filename":"a.png","subfolder":"","type":"output"}]}}`;
  const history = `{"prompt":[1,"a",${workflow},{"client_id":"c"},["9"]],${outputs},${ran}}`;
  const job = `{"id":"a","status":"completed","priority":1,"create_time":5,${outputs},"workflow":{"prompt":${workflow},"extra_data":{}}}`;
  const queue = `{"queue_running":[[1,"a",${workflow},{},["9"]]],"queue_pending":[]}`;
  const stats = `{"system":{"os":"posix","comfyui_version":"0.8.0","ram_total":1},"devices":[{"name":"cuda:0","type":"cuda","index":0,"vram_total":1,"vram_free":1}]}`;
  const refusal = `{"error":{"type":"x","message":"y","details":"","extra_info":{}},"node_errors":{"3":{"errors":[{"type":"a","message":"b","details":"c","extra_info":{}}],"dependent_outputs":["9"],"class_type":"X"}}}`;
  const events: [string, ...string[]] = [
    '{"type":"status","data":{"status":{"exec_info":{"queue_remaining":1}},"sid":"a"}}',
    '{"type":"progress_state","data":{"prompt_id":"a","nodes":{"3":{"value":1,"max":20,"state":"running","node_id":"3","display_node_id":"3"}}}}',
    '{"type":"executing","data":{"node":null,"prompt_id":"a"}}',
    '{"type":"executed","data":{"node":"9","display_node":"9","output":{"images":[]},"prompt_id":"a"}}',
    '{"type":"execution_error","data":{"prompt_id":"a","node_id":"3","traceback":["a"],"executed":["4"]}}',
    '{"type":"execution_cached","data":{"nodes":["4"],"prompt_id":"a","timestamp":1}}',
    '{"type":"logs","data":{"entries":[{"t":"a","m":"b"}]}}',
  ];
  const answers: [(random: Random) => unknown, ...((random: Random) => unknown)[]] = [
    (random) => outputFiles(parseHistoryEntry('a', hostileValue(history, random)).outputs),
    (random) => parseFinishedJob(hostileValue(job, random)),
    (random) => parseQueue(hostileText(queue, random)),
    (random) => parseJobList(hostileText(`{"jobs":[${job}]}`, random)),
    (random) => parseSystemStats(hostileText(stats, random)),
    (random) =>
      parsePostAnswer({
        status: random.pick([200, 400, 403, 500]),
        contentType: 'application/json',
        text: hostileText(random.pick([refusal, '{"prompt_id":"a","number":1,"node_errors":{}}']), random),
      }),
  ];
  return [
    {
      name: 'json',
      giants: giantTexts(giantSize).map((text) => () => void stringifyJson(parseJson(text()))),
      run: (random) => {
        const text = hostileText(random.pick(prompts), random);
        const value = parseJson(text);
        const again = stringifyJson(parseJson(stringifyJson(value, { nonFinite: 'literal' })), {
          nonFinite: 'literal',
        });
        if (again !== stringifyJson(value, { nonFinite: 'literal' }))
          throw new Error('written and read again it differs');
      },
    },
    {
      name: 'registry',
      giants: giantValues(giantSize).map((text) => () => void parseRegistry(text())),
      run: (random) => {
        const registry = parseRegistry(hostileText(someClasses(random), random));
        listModels(registry);
        createRegistrySearch(registry).search(random.pick(['KSampler', 'latent to image', '\u0000', 'imgae']));
      },
    },
    {
      name: 'metadata',
      giants: giantImages(giantSize)
        .concat(giantImages(10_000_000))
        .map((image) => () => {
          const bytes = image();
          allowed(() => parseMetadata(bytes));
          stripMetadata(bytes);
        }),
      run: (random) => {
        const image = hostileImage(random);
        allowed(() => stripMetadata(image));
        parseMetadata(image);
      },
    },
    {
      name: 'parameters',
      giants: ['Steps: 1, ', '"', '\n', '<lora:', 'a: "b, ', '\\', ',', ':'].flatMap((piece) =>
        [giantSize, 999_000].map((chars) => () => void parseParameters(filled(piece, chars))),
      ),
      run: (random) => {
        let text = parameters;
        for (let change = random.integer(5); change >= 0; change -= 1) text = mutateText(text, random);
        parseParameters(text);
      },
    },
    {
      name: 'answers',
      giants: giantTexts(giantSize)
        .slice(0, 4)
        .map((text) => () => void parseQueue(text())),
      run: (random) => void random.pick(answers)(random),
    },
    {
      name: 'events',
      giants: [
        ...giantTexts(giantSize)
          .slice(0, 4)
          .map((text) => () => void parseEvent(text())),
        () => void parseFrame(Buffer.alloc(giantSize, 4)),
      ],
      run: (random) =>
        void (random.chance(0.5)
          ? parseFrame(hostileFrame(random))
          : parseEvent(hostileText(random.pick(events), random))),
    },
  ];
}

function jsonObjectOf(text: string): Record<string, ReturnType<typeof parseJson>> {
  const value = parseJson(text);
  return isJsonObject(value) ? value : {};
}

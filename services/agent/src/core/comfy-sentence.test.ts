import { describe, expect, test } from 'vitest';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { recordedRegistry } from '@atelier/comfyui/graph/testing/recorded-registry';
import type { Json } from '@atelier/comfyui/json/json';
import { checkPolicy } from '@atelier/comfyui/policy/check-policy';
import { hostileWorkflows } from '@atelier/comfyui/policy/testing/hostile-workflows';
import { instantiateRecipe } from '@atelier/comfyui/recipes/instantiate-recipe';
import { recipeById } from '@atelier/comfyui/recipes/list-recipes';
import { comfySentence, reasonsSentence } from './comfy-sentence.ts';
import { toChinese } from './comfy-chinese.ts';

const registry = recordedRegistry('0.8.0', { 'UpscaleModelLoader.model_name': ['4x-UltraSharp.pth'] });

function errorWith(values: Record<string, Json>, id = 'text-to-image'): ComfyError {
  try {
    instantiateRecipe(recipeById(id), { prompt: 'x', ...values }, registry, () => 0.5);
  } catch (error) {
    if (error instanceof ComfyError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('what a recipe refuses, in Chinese', () => {
  test.each<[Record<string, Json>, string]>([
    [{ sampler: 'eulr' }, '采样器：此处没有 "eulr"。是否指 euler'],
    [{ steps: 500 }, '步数：500 超出范围，允许 1 到 100。最接近的可用值：100。'],
    [{ steps: 2.5 }, '步数：2.5 不是整数。最接近的可用值：3。'],
    [{ cfg: 'many' }, '提示词权重（CFG）：不是数字。允许 0 到 30。'],
    [{ seed: 'x' }, '种子：种子应为 0 到 18446744073709551615 的整数，-1 表示随机。'],
    [{ prompt: ' ' }, '提示词：需要填写文字。请用几个词描述画面。'],
    [{ model: 'tiny-c' }, '此 ComfyUI 的 checkpoints 中没有文件 "tiny-c"。可选：tiny-a.safetensors'],
    [{ frames: 3 }, '没有参数 "frames"。'],
  ])('%o', (values, chinese) => {
    expect(comfySentence(errorWith(values)).zh).toContain(chinese);
  });
});

test('reasons of the gate are told in Chinese for nearly every hostile workflow', () => {
  let told = 0;
  let all = 0;
  const silent: string[] = [];
  for (const { workflow } of hostileWorkflows()) {
    const decision = checkPolicy(registry, workflow);
    for (const { message } of decision.allowed ? [] : decision.reasons.slice(0, 3)) {
      all += 1;
      if (toChinese(message) === undefined) silent.push(message);
      else told += 1;
    }
  }
  expect(all).toBeGreaterThan(30);
  expect(silent.slice(0, 20).concat(told / all > 0.85 ? [] : ['too few'])).not.toContain('too few');
});

test('what is not known stays in English behind what is', () => {
  expect(toChinese('steps: is not a number. Ask Ada.')).toBe('步数：不是数字。（Ask Ada.）');
  expect(toChinese('Something else happened.')).toBeUndefined();
  expect(comfySentence(new ComfyError('malformed', 'Something else happened.')).zh).toContain(
    'Something else happened.',
  );
});

test('several reasons are counted beyond the first ones', () => {
  const { en, zh } = reasonsSentence(['A.', 'A.', 'B.', 'C.', 'D.', 'E.']);
  expect(en).toBe('A. B. C. And 2 more.');
  expect(zh).toContain('另有 2 处问题');
});

test('patterns take no long time on long texts', () => {
  const started = performance.now();
  for (const text of ['a: '.repeat(5_000), `Node "${'x'.repeat(20_000)}`, `${'1'.repeat(20_000)} is out of range`])
    toChinese(text);
  expect(performance.now() - started).toBeLessThan(1_000);
});

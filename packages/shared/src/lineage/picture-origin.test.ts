import { expect, test } from 'vitest';
import { pictureOrigin } from './picture-origin.ts';

const output = (index: number, nodeId: string) => ({
  index,
  nodeId,
  hash: String(index).repeat(64),
  mediaType: 'image/png',
  bytes: 1,
  filename: 'x.png',
});
const jobs = [
  {
    params: { values: { seed: '18446744073709551615', prompt: 'a fox' } },
    outputs: [output(0, 'a'), output(1, 'b'), output(2, 'a')],
  },
  { params: { values: {}, shotId: 's2' }, outputs: [output(0, 'a')] },
  { params: null, outputs: [output(0, 'a')] },
];

test('counts pictures over all jobs, and their places within one drawing', () => {
  expect(pictureOrigin(jobs, 2)).toMatchObject({
    job: jobs[0],
    batchIndex: 1,
    seed: '18446744073709551615',
    prompt: 'a fox',
  });
  expect(pictureOrigin(jobs, 1)).toMatchObject({ batchIndex: 0 });
  expect(pictureOrigin(jobs, 3)).toEqual({ job: jobs[1], output: jobs[1]?.outputs[0], batchIndex: 0, shotId: 's2' });
  expect(pictureOrigin(jobs, 4)).toMatchObject({ job: jobs[2] });
  expect(pictureOrigin(jobs, 5)).toBeUndefined();
});

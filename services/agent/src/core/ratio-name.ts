import type { PictureSize } from './picture-size.ts';

const COMMON = [
  '1:1',
  '5:4',
  '4:3',
  '3:2',
  '16:10',
  '16:9',
  '2:1',
  '21:9',
  '4:5',
  '3:4',
  '2:3',
  '10:16',
  '9:16',
  '1:2',
  '9:21',
];

/** The common ratio that a size is within two hundredths of, such as `16:9`, else its own such as `1.37:1`. */
export function ratioName({ width, height }: PictureSize): string {
  const ratio = width / height;
  const near = COMMON.find((name) => {
    const [wide = 1, high = 1] = name.split(':').map(Number);
    return Math.abs(ratio / (wide / high) - 1) < 0.02;
  });
  return near ?? `${Math.round(ratio * 100) / 100}:1`;
}

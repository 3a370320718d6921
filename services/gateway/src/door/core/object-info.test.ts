import { Script } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { bannerScript, withBanner } from './banner.ts';
import { mergeObjectInfo, writeObjectInfo } from './object-info.ts';
import { previewFrame } from './preview-frames.ts';

const load = (files: string[]) => ({
  LoadImage: { input: { required: { image: [files, { image_upload: true }] } } },
});

describe('/object_info of several servers', () => {
  const info = mergeObjectInfo([
    JSON.stringify({ ...load(['of another.png']), A: { from: 'first' } }),
    JSON.stringify({ A: { from: 'second' }, B: {} }).replace('{}', '{"max":18446744073709551615}'),
    JSON.stringify({ V3: { input: { required: { image: ['COMBO', { options: ['x.png'], image_upload: true }] } } } }),
  ]);

  it('has the classes of all, each once, with every digit', () => {
    const text = writeObjectInfo(info, []);
    expect(Object.keys(JSON.parse(text) as object)).toEqual(['LoadImage', 'A', 'B', 'V3']);
    expect(text).toContain('"from":"first"');
    expect(text).toContain('18446744073709551615');
  });

  it('lists a person’s own files and nobody else’s', () => {
    const text = writeObjectInfo(info, ['mine.png']);
    expect(text).not.toMatch(/of another|x\.png/);
    expect(text.match(/mine\.png/g)).toHaveLength(2);
    expect(JSON.parse(writeObjectInfo(info, ['mine.png'], 'LoadImage'))).toEqual(load(['mine.png']));
    expect(writeObjectInfo(info, [], 'Nope')).toBe('{}');
  });
});

describe('frames', () => {
  it('carry a preview with or without its facts', () => {
    const jpeg = Buffer.from([0xff, 0xd8]);
    expect(previewFrame(jpeg).toString('hex')).toBe('0000000100000001ffd8');
    const frame = previewFrame(jpeg, { promptId: 'p', nodeId: '3' });
    const length = frame.readUInt32BE(4);
    expect([frame.readUInt32BE(0), frame.subarray(8 + length).equals(jpeg)]).toEqual([4, true]);
    expect(JSON.parse(frame.subarray(8, 8 + length).toString())).toMatchObject({
      node_id: '3',
      image_type: 'image/jpeg',
    });
  });
});

describe('our line', () => {
  it('is put into the page and is a script that reads', () => {
    expect(withBanner('<head></head>')).toBe('<head><script src="/atelier/banner.js" defer></script></head>');
    expect(withBanner('<p>')).toMatch(/^<script/);
    expect(() => new Script(bannerScript)).not.toThrow();
  });
});

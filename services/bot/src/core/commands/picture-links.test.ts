import { expect, it } from 'vitest';
import { takeOutPictureLinks } from './picture-links.ts';

it.each([
  ['like https://example.com/fox.png but blue', 'like but blue', ['https://example.com/fox.png']],
  ['<https://cdn.example.com/a/b.JPG?ex=1&is=2> at night', 'at night', ['https://cdn.example.com/a/b.JPG?ex=1&is=2']],
  [
    'https://a.example/1.webp https://a.example/2.gif https://a.example/1.webp',
    '',
    ['https://a.example/1.webp', 'https://a.example/2.gif'],
  ],
  ['as on https://example.com/foxes', 'as on https://example.com/foxes', []],
  ['http://example.com/fox.png is not safe', 'http://example.com/fox.png is not safe', []],
  ['a  fox', 'a  fox', []],
])('%j', (words, text, links) => expect(takeOutPictureLinks(words)).toEqual({ text, links }));

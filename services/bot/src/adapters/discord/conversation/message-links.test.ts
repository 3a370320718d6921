import { expect, it } from 'vitest';
import { takeOutMessageLink } from './message-links.ts';

const target = { channelId: '22', messageId: '333' };

it.each([
  ['as https://discord.com/channels/1/22/333 but at night', 'as but at night', target],
  ['<https://ptb.discord.com/channels/@me/22/333>', '', target],
  ['https://discord.com.example.org/channels/1/22/333', 'https://discord.com.example.org/channels/1/22/333', undefined],
  ['a  fox', 'a  fox', undefined],
])('%j', (words, text, found) => expect(takeOutMessageLink(words)).toEqual({ text, target: found }));

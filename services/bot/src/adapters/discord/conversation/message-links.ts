import { ChannelType, type Message, PermissionFlagsBits } from 'discord.js';

/** A message that somebody points at. */
export interface MessageTarget {
  channelId: string;
  messageId: string;
}

const pattern = /<?https:\/\/(?:(?:ptb|canary)\.)?discord(?:app)?\.com\/channels\/(?:\d+|@me)\/(\d+)\/(\d+)>?/;

/** Takes the first link to a message out of what somebody wrote. */
export function takeOutMessageLink(text: string): { text: string; target: MessageTarget | undefined } {
  const found = pattern.exec(text);
  const [, channelId, messageId] = found ?? [];
  if (found === null || channelId === undefined || messageId === undefined) return { text, target: undefined };
  const rest = `${text.slice(0, found.index)}${text.slice(found.index + found[0].length)}`;
  return { text: rest.replaceAll(/[ \t]{2,}/g, ' ').trim(), target: { channelId, messageId } };
}

/** Whether the author of a message may read in another channel: what the bot sees there is not everybody's. */
export function mayRead({ channelId, client, guildId, member }: Message, wanted: string): boolean {
  if (wanted === channelId) return true;
  const channel = client.channels.cache.get(wanted);
  if (channel === undefined || channel.isDMBased() || channel.guildId !== guildId || member === null) return false;
  if (channel.type === ChannelType.PrivateThread) return false;
  return channel.permissionsFor(member).has([PermissionFlagsBits.ViewChannel, PermissionFlagsBits.ReadMessageHistory]);
}

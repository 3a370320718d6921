import { type APIInteractionGuildMember, type BaseInteraction, GuildMember, PermissionFlagsBits } from 'discord.js';
import type { Place, PlatformUser } from '@atelier/shared/contracts/identity';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Asker, Standing } from '../../../core/access/asker.ts';
import { languageOfLocale } from '../discord-language.ts';

const maxNameChars = 100;

/** Who used a command, a button or a form, and where. @throws AppError `internal` outside of every channel. */
export function askerOf(interaction: BaseInteraction): Asker {
  return {
    eventId: interaction.id,
    user: userOf(interaction),
    place: placeOf(interaction),
    standing: standingOf(interaction),
  };
}

function userOf(interaction: BaseInteraction): PlatformUser {
  const { user, member } = interaction;
  const nick = member instanceof GuildMember ? member.displayName : member?.nick;
  return {
    door: 'discord',
    id: user.id,
    displayName: (nick ?? user.displayName).slice(0, maxNameChars),
    language: languageOfLocale(interaction.locale),
  };
}

function placeOf(interaction: BaseInteraction): Place {
  if (interaction.channelId === null) throw new AppError('internal', 'an interaction outside of every channel');
  return {
    door: 'discord',
    id: interaction.channelId,
    userId: interaction.user.id,
    ...(interaction.guildId === null ? {} : { guildId: interaction.guildId }),
  };
}

function standingOf(interaction: BaseInteraction): Standing {
  const { channel, member, memberPermissions } = interaction;
  const isDirect = interaction.guildId === null;
  return {
    roles: member === null ? [] : rolesOf(member),
    ...channelFacts(interaction.channelId, channel),
    isChatAdmin: isDirect || memberPermissions?.has(PermissionFlagsBits.ManageGuild) === true,
    isDirect,
  };
}

export function rolesOf(member: GuildMember | APIInteractionGuildMember): readonly string[] {
  return member instanceof GuildMember ? [...member.roles.cache.keys()] : member.roles;
}

/** What is known of a channel: as much as the library has seen of it. */
export function channelFacts(
  channelId: string | null,
  channel: object | null,
): Required<Pick<Standing, 'channelIds' | 'isAdultPlace'>> {
  const parentId = valueOf(channel, 'parentId');
  const parent = valueOf(channel, 'parent');
  const isAdultPlace = valueOf(channel, 'nsfw') === true || valueOf(parent, 'nsfw') === true;
  const ids = [channelId, parentId].filter((id): id is string => typeof id === 'string');
  return { channelIds: ids, isAdultPlace };
}

function valueOf(of: unknown, key: string): unknown {
  return typeof of === 'object' && of !== null && key in of ? (of as Record<string, unknown>)[key] : undefined;
}

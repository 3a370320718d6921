import type { APIApplicationCommand, RESTPutAPIApplicationCommandsJSONBody } from 'discord.js';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { commandDefinitions } from './command-definitions.ts';
import { deployCommands } from './deploy-commands.ts';

const log = pino({ level: 'silent' });
const applicationId = '1';

/** Commands as Discord gives them back: in its own order, with fields of its own. */
function registry(change: (commands: Record<string, unknown>[]) => void = () => undefined) {
  const stored = structuredClone(commandDefinitions).map((command, index) => ({
    ...command,
    id: String(index),
    version: '1',
    nsfw: false,
  }));
  const held = stored.toReversed() as unknown as Record<string, unknown>[];
  change(held);
  const written: { guildId: string | undefined; commands: RESTPutAPIApplicationCommandsJSONBody }[] = [];
  return {
    written,
    readCommands: async () => held as unknown as APIApplicationCommand[],
    writeCommands: async (_id: string, commands: RESTPutAPIApplicationCommandsJSONBody, guildId?: string) =>
      void written.push({ guildId, commands }),
  };
}

it('leaves commands alone that are as they should be', async () => {
  const known = registry();
  expect(await deployCommands({ messages: known, applicationId, log })).toBe(0);
  expect(known.written).toEqual([]);
});

it.each<[string, (commands: Record<string, unknown>[]) => void]>([
  ['one is missing', (commands) => void commands.pop()],
  ['there is one too many', (commands) => void commands.push({ name: 'old' })],
  ['a description has changed', (commands) => void Object.assign(commands.at(-1) ?? {}, { description: 'old' })],
  ['a translation is missing', (commands) => void Object.assign(commands[0] ?? {}, { name_localizations: null })],
  [
    'an option is gone',
    (commands) => void Object.assign(commands.find(({ name }) => name === 'imagine') ?? {}, { options: [] }),
  ],
])('writes them where %s', async (_what, change) => {
  const known = registry(change);
  expect(await deployCommands({ messages: known, applicationId, log })).toBe(1);
  expect(known.written).toEqual([{ guildId: undefined, commands: commandDefinitions }]);
});

it('writes them to the servers that are named, and to no other', async () => {
  const known = registry((commands) => void commands.pop());
  expect(await deployCommands({ messages: known, applicationId, log, guildIds: ['7', '8'] })).toBe(2);
  expect(known.written.map(({ guildId }) => guildId)).toEqual(['7', '8']);
});

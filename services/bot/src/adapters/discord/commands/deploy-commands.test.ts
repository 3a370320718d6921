import type { APIApplicationCommand, RESTPutAPIApplicationCommandsJSONBody } from 'discord.js';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { commandDefinitions } from './command-definitions.ts';
import { deployCommands } from './deploy-commands.ts';

const log = pino({ level: 'silent' });

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
  const written: RESTPutAPIApplicationCommandsJSONBody[] = [];
  return {
    written,
    readCommands: async () => held as unknown as APIApplicationCommand[],
    writeCommands: async (_id: string, commands: RESTPutAPIApplicationCommandsJSONBody) => void written.push(commands),
  };
}

it('leaves commands alone that are as they should be', async () => {
  const known = registry();
  expect(await deployCommands(known, '1', log)).toBe(false);
  expect(known.written).toEqual([]);
});

it.each<[string, (commands: Record<string, unknown>[]) => void]>([
  ['one is missing', (commands) => void commands.pop()],
  ['there is one too many', (commands) => void commands.push({ name: 'old' })],
  ['a description has changed', (commands) => void Object.assign(commands[0] ?? {}, { description: 'old' })],
  ['a translation is missing', (commands) => void Object.assign(commands[0] ?? {}, { name_localizations: null })],
  ['an option is gone', (commands) => void Object.assign(commands.at(-1) ?? {}, { options: [] })],
])('writes them where %s', async (_what, change) => {
  const known = registry(change);
  expect(await deployCommands(known, '1', log)).toBe(true);
  expect(known.written).toEqual([commandDefinitions]);
});

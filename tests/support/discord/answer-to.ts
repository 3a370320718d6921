import { loadingFlag } from './check-message.ts';
import type { FakeMessage } from './discord-state.ts';
import type { FakeDiscord } from './fake-discord.ts';
import type { FakeInteraction } from './interactions.ts';

/** What somebody is answered, once it says something: where the machine is slow, a deferral comes first. */
export async function answerTo(
  discord: Pick<FakeDiscord, 'until'>,
  asked: Promise<FakeInteraction> | FakeInteraction,
): Promise<FakeMessage> {
  const { original } = await asked;
  if (original === undefined) throw new Error('it is answered with no message');
  await discord.until('the answer', () => (original.flags & loadingFlag) === 0);
  return original;
}

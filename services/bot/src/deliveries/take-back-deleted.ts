import type { ChatAdapter } from '../ports.ts';
import type { CardReader } from '../state/card-reader.ts';

/**
 * Takes a result away that was deleted while it was being sent: whoever saw to the deleted one then did not find a message
 * that was not written down yet. To be called after its place was stored: of a deletion and this look, the later one finds it.
 */
export async function takeBackDeleted(
  requestId: string,
  adapter: Pick<ChatAdapter, 'takeBack'>,
  reader: Pick<CardReader, 'readFacts'>,
): Promise<void> {
  if (adapter.takeBack === undefined) return;
  const [facts] = await reader.readFacts([requestId]);
  if (facts?.marks?.isDeleted === true) adapter.takeBack(facts);
}

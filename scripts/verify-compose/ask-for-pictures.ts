import { AwayError, type AtelierApi, type TerminalCard } from '@atelier/launcher/imagine/atelier-api';
import { untilSeen } from '../../tests/support/until-seen.ts';

const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Submits words as the page does and goes on while a part is away. @returns the request's id. */
export async function submitWords(api: AtelierApi, text: string, eventId: string, withinMs: number): Promise<string> {
  const submitted = await patiently('accepting the request', withinMs, () =>
    api.submit({ eventId, text, options: {} }),
  );
  if (submitted.outcome !== 'accepted') throw new Error(`"${text}" was not taken as a request for pictures`);
  return submitted.requestId;
}

/** Waits until a request's card is as wanted, whatever is away meanwhile. */
export function untilCard(
  api: AtelierApi,
  requestId: string,
  wanted: { what: string; is: (card: TerminalCard) => boolean },
  withinMs: number,
): Promise<TerminalCard> {
  return patiently(wanted.what, withinMs, async () => {
    const card = await api.card(requestId);
    return wanted.is(card) ? card : undefined;
  });
}

/** Waits for the end of a request. @returns its pictures. @throws unless it ends well with exactly `count` different PNG files. */
export async function fetchPictures(
  api: AtelierApi,
  requestId: string,
  count: number,
  withinMs: number,
): Promise<Uint8Array[]> {
  const card = await untilCard(api, requestId, { what: 'the result', is: (found) => found.final }, withinMs);
  if (card.state !== 'succeeded')
    throw new Error(`the request ended as "${card.state}": ${card.error ?? card.headline}`);
  const hashes = new Set(card.tiles.flatMap(({ image }) => (image === undefined ? [] : [image.hash])));
  if (card.tiles.length !== count || hashes.size !== count)
    throw new Error(`${count} pictures were asked for, and the card shows ${hashes.size} of ${card.tiles.length}`);
  const files = await Promise.all([...hashes].map((hash) => patiently('the file', 10_000, () => api.file(hash))));
  if (!files.every(isPng)) throw new Error('a picture is no PNG file');
  return files;
}

export function isPng(bytes: Uint8Array): boolean {
  return pngSignature.equals(bytes.subarray(0, pngSignature.length));
}

/** A part that is away for a moment is waited for. */
function patiently<T>(what: string, withinMs: number, look: () => Promise<T | undefined>): Promise<T> {
  return untilSeen(look, { what, withinMs, everyMs: 200, isPassing: (error) => error instanceof AwayError });
}

import type { RequestBody } from '../contracts/request.ts';

/** Of a chain of repeats of repeats, as many are followed. */
const maxRepeats = 20;

/**
 * What is asked for where a request repeats another by its own words, through however many repeats: it counts for rules
 * under that one's command and words. The body itself where it repeats nothing, or nobody knows what.
 *
 * @param readBody undefined where there is no such request.
 */
export async function readRepeated(
  body: RequestBody,
  readBody: (requestId: string) => Promise<RequestBody | undefined>,
): Promise<RequestBody> {
  let asked = body;
  for (let steps = 0; steps < maxRepeats; steps += 1) {
    const requestId = repeatedBy(asked);
    const earlier = requestId === undefined ? undefined : await readBody(requestId);
    if (earlier === undefined) break;
    asked = earlier;
  }
  return asked;
}

function repeatedBy(body: RequestBody): string | undefined {
  if (body.kind === 'rerun') return body.requestId;
  if (body.kind !== 'derive' || body.options?.prompt !== undefined) return undefined;
  return body.action === 'reroll' || body.action === 'remix' ? body.source.requestId : undefined;
}

import { createHash } from 'node:crypto';

/** What a message of ours is recognised by, whoever sent it and whatever crashed. */
export interface MessageMarker {
  /** Id of the message's first component: a positive 32-bit integer, which Discord keeps and gives back. */
  componentId: number;
  /** At most 25 characters; with `enforce_nonce` a repeat within a few minutes gives the first message. */
  nonce: string;
}

/**
 * @param subject what it is about: a request, a question, the message that it answers, a post, or the place of a board.
 * @param kind of a delivery, which is unique for its request and kind; or of another message, unique for its subject.
 */
export function markerOf(
  subject: string,
  kind: 'card' | 'result' | 'ping' | 'question' | 'said' | 'post' | 'board',
): MessageMarker {
  const digest = createHash('sha256').update(`${subject} ${kind}`).digest();
  return {
    // Small numbers are those that Discord gives to the other components.
    componentId: (digest.readUInt32BE(0) & 0x3fffffff) | 0x40000000,
    nonce: digest.toString('hex', 4, 16),
  };
}

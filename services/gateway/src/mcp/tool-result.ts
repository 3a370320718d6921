import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { ToolAnswer } from '@atelier/shared/contracts/control';

/** Larger pictures are named by a link: whoever reads them pays for every byte. */
export const maxImageBytes = 1_048_576;
const maxImagesBytes = 4 * maxImageBytes;
/** What programs of this protocol can show in a result. */
const shown = /^image\/(png|jpeg|webp|gif)$/;

export interface ToolFiles {
  /** Bytes of a stored file, or undefined where it is gone or larger than that. */
  read: (hash: string, maxBytes: number) => Promise<Uint8Array | undefined>;
  /** Where a file is for whoever has the link, until it expires. */
  linkTo: (hash: string, name: string) => string;
}

/** A tool's answer as the protocol tells it: the text, pictures up to a size in the answer itself, the others as links. */
export async function toolResult(answer: ToolAnswer, files: ToolFiles): Promise<CallToolResult> {
  const content: CallToolResult['content'] = [];
  if (answer.text !== '' || answer.images.length === 0) content.push({ type: 'text', text: answer.text });
  let leftBytes = maxImagesBytes;
  for (const [index, { hash, mediaType }] of answer.images.entries()) {
    const bytes = shown.test(mediaType) ? await files.read(hash, Math.min(maxImageBytes, leftBytes)) : undefined;
    if (bytes === undefined) {
      const name = `picture-${index + 1}.${mediaType.split('/')[1]?.replace(/[^a-z0-9]/g, '') ?? 'bin'}`;
      content.push({ type: 'resource_link', uri: files.linkTo(hash, name), name, mimeType: mediaType });
      continue;
    }
    leftBytes -= bytes.length;
    content.push({ type: 'image', data: Buffer.from(bytes).toString('base64'), mimeType: mediaType });
  }
  return { content, ...(answer.isError ? { isError: true } : {}) };
}

/** A failure that the caller reads, and can do something about. */
export function toolFailure(text: string): CallToolResult {
  return { content: [{ type: 'text', text }], isError: true };
}

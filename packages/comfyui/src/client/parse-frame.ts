import { z } from 'zod';
import { ComfyError } from '../errors/comfy-error.ts';
import { parseJson } from '../json/parse-json.ts';
import type { ComfyEvent } from './comfy-event.ts';
import { idText, optional } from './parse-answer.ts';

/** ComfyUI's `protocol.py`: PREVIEW_IMAGE, TEXT and PREVIEW_IMAGE_WITH_METADATA; 2 (UNENCODED_PREVIEW_IMAGE) stays inside. */
const previewType = 1;
const textType = 3;
const previewWithMetadataType = 4;

/** More than any metadata that ComfyUI writes. */
const maxMetadataBytes = 64 * 1024;

const metadataSchema = z.looseObject({
  prompt_id: optional(z.string()),
  node_id: optional(idText),
  display_node_id: optional(idText),
  image_type: optional(z.string()),
});

/**
 * Reads one binary message of ComfyUI's socket: big-endian `u32 type`, then
 * for 1 `u32 format (1 JPEG, 2 PNG), image`; for 3 `u32 length, node id, text`; for 4 `u32 length, JSON, image`.
 *
 * Never throws: what cannot be read is an `unknown` event named `binary:<type>`. The image shares the frame's memory.
 */
export function parseFrame(frame: Uint8Array): ComfyEvent {
  if (frame.byteLength < 8) return { type: 'unknown', name: 'binary', data: undefined };
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const type = view.getUint32(0);
  const second = view.getUint32(4);
  const unknown: ComfyEvent = { type: 'unknown', name: `binary:${type}`, data: undefined };

  if (type === previewType) {
    const image = frame.subarray(8);
    const mimeType = second === 2 ? 'image/png' : 'image/jpeg';
    return image.byteLength === 0
      ? unknown
      : { type: 'preview', promptId: undefined, nodeId: undefined, mimeType, image };
  }
  if (type !== textType && type !== previewWithMetadataType) return unknown;
  if (second > maxMetadataBytes || second > frame.byteLength - 8) return unknown;
  const head = new TextDecoder().decode(frame.subarray(8, 8 + second));
  const rest = frame.subarray(8 + second);
  if (type === textType) return { type: 'progress_text', nodeId: head, text: new TextDecoder().decode(rest) };
  return readPreview(head, rest) ?? unknown;
}

function readPreview(head: string, image: Uint8Array): ComfyEvent | undefined {
  try {
    const metadata = metadataSchema.safeParse(parseJson(head));
    if (!metadata.success || image.byteLength === 0) return undefined;
    return {
      type: 'preview',
      promptId: metadata.data.prompt_id,
      nodeId: metadata.data.display_node_id ?? metadata.data.node_id,
      mimeType: metadata.data.image_type ?? 'image/jpeg',
      image,
    };
  } catch (error) {
    if (!(error instanceof ComfyError)) throw error;
    return undefined;
  }
}

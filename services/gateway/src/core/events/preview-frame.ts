/** Marks a preview with its facts, as ComfyUI does (protocol: binary event 4, preview image with metadata). */
const previewWithMetadata = 4;

/**
 * A preview as one binary frame: `u32 4`, `u32` length of the JSON, the JSON (`prompt_id`, `run_id`, `image_type`), the image.
 * Numbers are big-endian.
 */
export function encodePreviewFrame(facts: Record<string, unknown>, image: Uint8Array): Buffer {
  const json = Buffer.from(JSON.stringify(facts));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(previewWithMetadata, 0);
  head.writeUInt32BE(json.length, 4);
  return Buffer.concat([head, json, image]);
}

export function decodePreviewFrame(frame: Buffer): { facts: unknown; image: Buffer } {
  if (frame.length < 8 || frame.readUInt32BE(0) !== previewWithMetadata) throw new RangeError('not a preview frame');
  const end = 8 + frame.readUInt32BE(4);
  if (end > frame.length) throw new RangeError('a preview frame that was cut off');
  return { facts: JSON.parse(frame.toString('utf8', 8, end)), image: frame.subarray(end) };
}

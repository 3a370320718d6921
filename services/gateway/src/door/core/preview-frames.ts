/** Binary messages of ComfyUI's socket, 0.8.0: 1 is a preview, 4 a preview with its facts. Numbers are big-endian. */
const previewImage = 1;
const previewWithMetadata = 4;
/** Of `previewImage`. */
const formatJpeg = 1;

/** A JPEG preview as a frame; with `about` in the form that names its run and node. */
export function previewFrame(jpeg: Uint8Array, about?: { promptId: string; nodeId: string }): Buffer {
  if (about === undefined) {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(previewImage, 0);
    head.writeUInt32BE(formatJpeg, 4);
    return Buffer.concat([head, jpeg]);
  }
  const { promptId, nodeId } = about;
  const json = Buffer.from(
    JSON.stringify({
      node_id: nodeId,
      prompt_id: promptId,
      display_node_id: nodeId,
      parent_node_id: null,
      real_node_id: nodeId,
      image_type: 'image/jpeg',
    }),
  );
  const head = Buffer.alloc(8);
  head.writeUInt32BE(previewWithMetadata, 0);
  head.writeUInt32BE(json.length, 4);
  return Buffer.concat([head, json, jpeg]);
}

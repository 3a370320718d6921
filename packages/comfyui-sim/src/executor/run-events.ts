import type { JsonObject } from '@atelier/comfyui/json/json';

/** Where a running prompt's messages go. `clientId` undefined means everybody, as ComfyUI's `sid=None`. */
export interface RunEvents {
  send: (type: string, data: JsonObject, clientId: string | undefined) => void;
  /** Whether the socket asked for previews with metadata (type 4). */
  wantsMetadata: (clientId: string | undefined) => boolean;
  /** A preview with metadata (type 4). */
  sendPreview: (jpeg: Buffer, metadata: JsonObject, clientId: string | undefined) => void;
  /** A plain preview frame (type 1), for sockets without metadata. */
  sendPlainPreview: (image: Buffer, format: 'jpeg' | 'png', clientId: string | undefined) => void;
  /** The node that a reconnecting client is told of; undefined between prompts. */
  noteNode: (id: string | undefined) => void;
  /** The client whose prompt runs. */
  noteClient: (clientId: string | undefined) => void;
}

import type { APIMessageTopLevelComponent, RawFile } from 'discord.js';

/** A file that goes with a message; components name it `attachment://<name>`. */
export interface AttachedFile extends RawFile {
  data: Buffer;
  /** For who does not see it. */
  alt?: string;
}

/** A message as it is sent: components (version 2) and the files that they show. */
export interface MessageBody {
  components: APIMessageTopLevelComponent[];
  files: readonly AttachedFile[];
}

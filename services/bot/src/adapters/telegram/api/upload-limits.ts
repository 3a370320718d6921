/** What a Bot API server takes, in bytes. https://core.telegram.org/bots/api#sending-files */
export interface UploadLimits {
  photoBytes: number;
  documentBytes: number;
  /** All files of one message together. */
  requestBytes: number;
  /** Of a file that a person sent. */
  downloadBytes: number;
}

const cloudLimits: UploadLimits = {
  photoBytes: 10_000_000,
  documentBytes: 50_000_000,
  // One upload's body, with some room for the rest of it.
  requestBytes: 48_000_000,
  downloadBytes: 20_000_000,
};

/** https://core.telegram.org/bots/api#using-a-local-bot-api-server; what we hold in memory at a time is less. */
const localLimits: UploadLimits = {
  photoBytes: 10_000_000,
  documentBytes: 200_000_000,
  requestBytes: 400_000_000,
  downloadBytes: 200_000_000,
};

export function uploadLimits(isLocal: boolean): UploadLimits {
  return isLocal ? localLimits : cloudLimits;
}

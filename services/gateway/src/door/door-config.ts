/** The ComfyUI-compatible door. */
export interface DoorConfig {
  host: string;
  /** 0: a free one. */
  port: number;
  /** The ComfyUI whose front end is shown; without one the door serves programs only. */
  frontendUrl: string | undefined;
  maxUploadBytes: number;
  /** Requests a minute of one caller whose token says nothing else. */
  perMinute: number;
  /** Web pages elsewhere that may call. */
  origins: readonly string[];
  /** How often sockets are pinged; one that has not answered by the next time is closed. Default 25 s. */
  pingMs?: number;
}

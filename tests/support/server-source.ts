/** A server that tests may use until it is stopped. */
export interface RunningServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** One way to get the servers that tests need. */
export interface ServerSource {
  nats(): Promise<RunningServer>;
  postgres(): Promise<RunningServer>;
}

export type ServerName = keyof ServerSource;

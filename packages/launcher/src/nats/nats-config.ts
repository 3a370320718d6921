export interface NatsConfigOptions {
  /** Absolute folder of the streams. */
  readonly storeDir: string;
  /** Absolute file that holds the server's process id while it runs. */
  readonly pidFile: string;
  /** Absolute folder in which the server writes `nats-server_<pid>.ports`. */
  readonly portsDir: string;
  readonly logFile: string;
  /** A TCP port, or -1 for any free one. */
  readonly port: number;
  /** `always` syncs every message to disk before it is acknowledged; a number is an interval in seconds (tests only). */
  readonly sync: 'always' | number;
}

/**
 * The configuration file of a server for one machine: JetStream, loopback only.
 * Source: NATS documentation, "Configuring NATS Server" and "JetStream" (server 2.10).
 */
export function natsConfig(options: NatsConfigOptions): string {
  const quote = (text: string) => JSON.stringify(text);
  return [
    'server_name: "atelier"',
    'host: "127.0.0.1"',
    `port: ${options.port}`,
    `pid_file: ${quote(options.pidFile)}`,
    `ports_file_dir: ${quote(options.portsDir)}`,
    `log_file: ${quote(options.logFile)}`,
    'logfile_size_limit: 10MB',
    'logfile_max_num: 2',
    'jetstream {',
    `  store_dir: ${quote(options.storeDir)}`,
    `  sync_interval: ${options.sync === 'always' ? 'always' : `"${options.sync}s"`}`,
    '  max_memory_store: 64MB',
    '  max_file_store: 10GB',
    '}',
    '',
  ].join('\n');
}

/** What Node calls the things that a test file must close, and what they are to us. */
const watched: Readonly<Record<string, string>> = {
  TCPServerWrap: 'a listening server',
  TCPSocketWrap: 'a TCP socket',
  PipeServerWrap: 'a listening pipe',
  PipeWrap: 'a pipe',
  ProcessWrap: 'a child process',
  UDPWrap: 'a UDP socket',
  FSEventWrap: 'a file watcher',
  StatWatcher: 'a file watcher',
};

/**
 * Names what is open now and was not before, with its count.
 *
 * @param before and @param now names as `process.getActiveResourcesInfo()` gives them (Node documentation, "process", v24):
 * only what keeps the process alive.
 */
export function findLeaks(before: readonly string[], now: readonly string[]): string[] {
  const count = (list: readonly string[], name: string) => list.filter((entry) => entry === name).length;
  return Object.entries(watched).flatMap(([name, meaning]) => {
    const more = count(now, name) - count(before, name);
    return more > 0 ? [`${more} × ${meaning} (${name})`] : [];
  });
}

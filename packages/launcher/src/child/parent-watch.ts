/**
 * Loaded before each service (`node --import`): a service whose launcher is gone, however it went, ends.
 * It drains as on SIGTERM, and is ended for good when that takes too long. Importing this is what switches it on.
 */
const drainMs = 15_000;

process.once('disconnect', () => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), drainMs).unref();
  process.kill(process.pid, 'SIGTERM');
});
// The listener alone must not keep a service alive that has nothing left to do.
process.channel?.unref();

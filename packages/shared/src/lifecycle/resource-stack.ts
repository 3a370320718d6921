import type { Logger } from 'pino';

type Release = () => void | Promise<void>;

/**
 * What a service has opened, closed in reverse order whatever happens on the way.
 *
 * `use` right after opening something; `close` runs every release once, each within `timeoutMs`, logs what failed and
 * never throws, so that one stuck part does not keep the others open.
 */
export class ResourceStack {
  readonly #releases: { name: string; release: Release }[] = [];
  readonly #log: Pick<Logger, 'warn' | 'debug'>;
  #closing: Promise<void> | undefined;

  constructor(log: Pick<Logger, 'warn' | 'debug'>) {
    this.#log = log;
  }

  use(name: string, release: Release): void {
    if (this.#closing !== undefined) throw new Error(`${name} was opened while closing`);
    this.#releases.push({ name, release });
  }

  close(timeoutMs = 10_000): Promise<void> {
    this.#closing ??= this.#closeAll(timeoutMs);
    return this.#closing;
  }

  async #closeAll(timeoutMs: number): Promise<void> {
    for (const { name, release } of this.#releases.toReversed()) {
      const timer = Promise.withResolvers<'late'>();
      const handle = setTimeout(timer.resolve, timeoutMs, 'late');
      try {
        const outcome = await Promise.race([Promise.resolve(release()), timer.promise]);
        if (outcome === 'late') this.#log.warn({ resource: name, timeoutMs }, 'closing took too long; going on');
        else this.#log.debug({ resource: name }, 'closed');
      } catch (error) {
        this.#log.warn({ resource: name, err: error }, 'closing failed; going on');
      } finally {
        clearTimeout(handle);
      }
    }
  }
}

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result | Promise<Result>) => void;
  reject: (error: unknown) => void;
}

/**
 * Makes calls together: the first goes out at once and alone, and what comes while it is under way, or within `everyMs` of
 * it, goes with the next. So a quiet caller waits for nobody, and a busy one makes fewer calls.
 *
 * @param most items of one call.
 * @param everyMs between the beginnings of two calls, unless enough wait for a whole one.
 * @param call takes one to `most` items; gives their results in the same order, of which each may come, or fail, later. What it
 *   throws itself is thrown to all of them.
 */
export function gatherCalls<Item, Result>(
  call: (items: readonly Item[]) => Promise<readonly (Result | Promise<Result>)[]>,
  { most, everyMs }: { most: number; everyMs: number },
): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let busy = false;
  let calledAtMs = -Infinity;

  async function callAll(): Promise<void> {
    busy = true;
    while (waiting.length > 0) {
      const restMs = Math.ceil(calledAtMs + everyMs - performance.now());
      if (restMs > 0 && waiting.length < most) await new Promise((resolve) => setTimeout(resolve, restMs));
      calledAtMs = performance.now();
      const together = waiting.slice(0, most);
      waiting = waiting.slice(most);
      try {
        const results = await call(together.map(({ item }) => item));
        for (const [at, { resolve, reject }] of together.entries()) {
          if (at < results.length) resolve(results[at] as Result | Promise<Result>);
          else reject(new Error('a gathered call left a result out: this is a bug'));
        }
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    busy = false;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!busy) void callAll();
    });
}

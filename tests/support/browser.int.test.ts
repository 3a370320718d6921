import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test, vi } from 'vitest';
import { launchBrowser } from './browser.ts';
import { findBrowser } from './find-browser.ts';

test('where there is no browser, that is said and nothing fails', async () => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect(await launchBrowser({ PATH: '' })).toBeUndefined();
  expect(said).toHaveBeenCalledWith(expect.stringContaining('node scripts/install-browser.ts'));
  said.mockRestore();
});

test.runIf(findBrowser(process.env) !== undefined)('the browser opens a page on loopback', async () => {
  const browser = await launchBrowser();
  if (browser === undefined) throw new Error('a browser was found and not launched');
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<title>hello</title><script>document.title += " from the page"</script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    expect(await page.title()).toBe('hello from the page');
  } finally {
    await browser.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

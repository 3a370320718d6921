import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { launchBrowser } from './browser.ts';

test('the browser opens a page on loopback; where there is none, that is said and nothing fails', async (context) => {
  const browser = await launchBrowser();
  if (browser === undefined) return context.skip('no Chromium here');
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

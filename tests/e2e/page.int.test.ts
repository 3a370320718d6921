import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { launchBrowser } from '../support/browser.ts';
import { findBrowser } from '../support/find-browser.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { openRequestDesk, type RequestDesk } from '../support/request-desk.ts';

const simulator = createSimulator({ port: 0, speed: 1, serviceTimeMs: () => 200 });
const hasBrowser = findBrowser(process.env) !== undefined;
const patienceMs = 25_000;
let platform: Platform;
let desk: RequestDesk;
let browser: Browser | undefined;
let context: BrowserContext;
let page: Page;
/** What the page's own code did wrong. */
let faults: string[];

beforeAll(async () => {
  browser = await launchBrowser();
  if (browser === undefined) return;
  const { url } = await simulator.start();
  platform = await startPlatform({ comfyuiUrl: url });
  desk = await openRequestDesk(platform);
  // The first one also waits for the registry.
  await desk.untilFinal(await desk.submit('a lighthouse, 256x256'));
});
afterAll(async () => {
  await browser?.close();
  await desk?.close();
  await platform?.stop();
  await simulator.stop();
});
beforeEach(async () => {
  if (browser === undefined) return;
  faults = [];
  context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1_200, height: 800 } });
  context.setDefaultTimeout(patienceMs);
  page = await context.newPage();
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    // While the server is away, or not ready yet, the browser itself notes every answer that it did not get.
    const isRefusal = /^Failed to load resource: (net::ERR_|.* 503 )/.test(message.text());
    if (message.type() === 'error' && !isRefusal) faults.push(message.text());
  });
  await page.goto(platform.webUrl);
  await connected();
});
afterEach(async () => {
  if (browser === undefined) return;
  simulator.clearFaults();
  await context.close();
  if (faults.length > 0) throw new Error(`the page's own code failed: ${faults.join('; ')}`);
});

const prompt = () => page.getByRole('textbox', { name: 'What you want to see' });
const card = (title: string) => page.getByRole('article', { name: title });
const connected = () => page.getByRole('status').filter({ hasText: 'Live' }).waitFor();

async function ask(words: string): Promise<void> {
  await prompt().fill(words);
  await page.getByRole('button', { name: 'Send' }).click();
}

/** Waits until the card says so. */
async function says(found: Locator, text: string | RegExp): Promise<void> {
  await found.getByText(text).first().waitFor();
}

/** What the browser's `img` elements have; the tests are typed without a DOM. */
interface PictureElement {
  decode(): Promise<void>;
  naturalWidth: number;
  naturalHeight: number;
  alt: string;
}

/** The pictures of a card as the browser decoded them. */
async function picturesOf(found: Locator): Promise<{ width: number; height: number; alt: string }[]> {
  return found.getByRole('img', { name: /^Picture/ }).evaluateAll((elements) =>
    Promise.all(
      (elements as unknown as PictureElement[]).map(async (image) => {
        await image.decode();
        return { width: image.naturalWidth, height: image.naturalHeight, alt: image.alt };
      }),
    ),
  );
}

describe.runIf(hasBrowser)('a person at the page', () => {
  it('types a sentence and gets two portrait pictures, with progress on the way', async () => {
    simulator.inject({ kind: 'hold', nodeClass: 'VAEDecode' });
    await ask('a red fox in snow, portrait, 2 images');
    const found = card('a red fox in snow');
    const bar = found.getByRole('progressbar');
    await bar.waitFor();
    await expect
      .poll(async () => Number(await bar.getAttribute('aria-valuenow')), { timeout: patienceMs })
      .toBeGreaterThan(0);
    simulator.clearFaults('hold');
    await says(found, /^Done, 2 pictures$/);
    const pictures = await picturesOf(found);
    expect(pictures).toHaveLength(2);
    expect(pictures[0]?.alt).toMatch(/^Picture 1 of 2: a red fox in snow/);
    expect(pictures[1]?.alt).toMatch(/^Picture 2 of 2: a red fox in snow/);
    for (const { width, height } of pictures) {
      expect(width).toBeGreaterThan(0);
      expect(height).toBeGreaterThan(width);
    }
    const sources = await found
      .getByRole('img', { name: /^Picture/ })
      .evaluateAll((images) => images.map((image) => image.getAttribute('src')));
    expect(new Set(sources).size).toBe(2);
    expect(await bar.count()).toBe(0);
  });

  it('is told what went wrong, and tries again with success', async () => {
    simulator.inject({ kind: 'execution-error', nodeClass: 'KSampler', message: 'it broke', times: 1 });
    await ask('an unlucky fox, 256x256');
    const found = card('an unlucky fox');
    await says(found, 'Did not work');
    expect(await found.getByRole('img').count()).toBe(0);
    await found.getByRole('button', { name: 'Try again' }).click();
    await expect.poll(() => found.count(), { timeout: patienceMs }).toBe(2);
    await says(found.last(), /^Done$/);
    expect((await picturesOf(found.last()))[0]?.width).toBe(256);
    await says(found.first(), 'Did not work');
  });

  it('needs nothing but the keyboard', async () => {
    const focus = () => page.evaluate<string>('document.activeElement?.id ?? ""');
    await page.keyboard.press('Tab');
    // The first stop leads past the header.
    await page.keyboard.press('Enter');
    await expect.poll(focus).toBe('prompt');
    await page.keyboard.type('a fox by keyboard, 256x256');
    await page.keyboard.press('Enter');
    const found = card('a fox by keyboard');
    await says(found, /^Done$/);
    const picture = found.getByRole('button', { name: 'Open: Picture: a fox by keyboard' });
    await picture.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Picture' }).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog', { name: 'Picture' }).count()).toBe(0);
  });
});

describe.runIf(hasBrowser)('a person at the page, while something dies', () => {
  it('sees one result although the bot was killed while it was drawn', async () => {
    simulator.inject({ kind: 'hold' });
    await ask('a sturdy fox, 256x256');
    const found = card('a sturdy fox');
    await found.getByRole('progressbar').waitFor();
    await platform.kill('bot');
    await page.getByRole('status').filter({ hasText: 'Reconnecting' }).waitFor();
    await platform.start('bot');
    await connected();
    simulator.clearFaults('hold');
    await says(found, /^Done$/);
    expect(await found.count()).toBe(1);
    expect(await picturesOf(found)).toHaveLength(1);
    const posts = await desk.db.sql`
      select r.id from requests r join web_posts p on p.request_id = r.id where r.body->>'text' like 'a sturdy fox%'`;
    expect(posts).toHaveLength(1);
    expect(await prompt().inputValue()).toBe('');
  });

  it('is accepted once although the bot was away when it was asked', async () => {
    await platform.kill('bot');
    await ask('a waiting fox, 256x256');
    await page.getByText('Not accepted yet. It is sent again by itself.').waitFor();
    await platform.start('bot');
    const found = card('a waiting fox');
    await says(found, /^Done$/);
    expect(await found.count()).toBe(1);
    const rows = await desk.db.sql`select 1 from requests where body->>'text' like 'a waiting fox%'`;
    expect(rows).toHaveLength(1);
  });

  it('is told that ComfyUI is away, and gets the picture once it is back', async () => {
    await simulator.crash();
    const notice = page.getByRole('status').filter({ hasText: 'ComfyUI is away' });
    await notice.waitFor();
    await ask('a patient fox, 256x256');
    const found = card('a patient fox');
    await says(found, 'In the queue');
    await simulator.start();
    await says(found, /^Done$/);
    expect(await picturesOf(found)).toHaveLength(1);
    await expect.poll(() => notice.count(), { timeout: patienceMs }).toBe(0);
  });
});

import type { Browser, BrowserContext, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchBrowser } from '@atelier/tests/support/browser';
import { findBrowser } from '@atelier/tests/support/find-browser';
import { useTestDatabase, useTestNats } from '@atelier/tests/support/servers';
import { openTcpProxy, type TcpProxy } from '@atelier/tests/support/tcp-proxy';
import { type Backstage, makeFolder, openBackstage, startTestBot, type TestBot } from '../../app-fixtures.ts';

const database = useTestDatabase();
const nats = useTestNats();
let folder: Awaited<ReturnType<typeof makeFolder>>;
let bot: TestBot;
let backstage: Backstage;
let proxy: TcpProxy;
let browser: Browser | undefined;
let context: BrowserContext;
let page: Page;
/** What the page's own code did wrong. */
let faults: string[];

const hasBrowser = findBrowser(process.env) !== undefined;

beforeAll(async () => {
  folder = await makeFolder();
  bot = await startTestBot({ databaseUrl: database().url, nats: nats(), folder: folder.path });
  backstage = await openBackstage(database().url, nats());
  proxy = await openTcpProxy(bot.url);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await proxy?.close();
  await bot?.app.stop();
  await backstage?.close();
  await folder?.remove();
});
beforeEach(async () => {
  if (browser === undefined) return;
  faults = [];
  context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1_200, height: 800 } });
  page = await context.newPage();
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) faults.push(message.text());
  });
  await page.goto(`http://127.0.0.1:${proxy.port}/`);
  await page.locator('#connection[data-state=live]').waitFor();
});
afterEach(async () => {
  if (browser === undefined) return;
  await context.close();
  if (faults.length > 0) throw new Error(`the page's own code failed: ${faults.join('; ')}`);
});

const ask = async (text: string) => {
  await page.getByLabel('What you want to see').fill(text);
  await page.keyboard.press('Enter');
};
const card = (title: string) => page.getByRole('article', { name: title });
const requestIdOf = async (title: string) =>
  (await page.locator('.entry', { has: card(title) }).getAttribute('data-request-id')) ?? '';
const state = (title: string, wanted: string) =>
  page.locator(`.entry[data-state=${wanted}]`, { has: card(title) }).waitFor();

describe.runIf(hasBrowser)('the page', () => {
  it('shows a request from the first word to the finished picture', async () => {
    await ask('a red fox in snow');
    await state('a red fox in snow', 'accepted');
    const requestId = await requestIdOf('a red fox in snow');
    await backstage.plan(requestId);
    await state('a red fox in snow', 'queued');
    await page.locator('.queue-entry[data-mine=true]', { hasText: 'a red fox in snow' }).waitFor();

    const lease = await backstage.run();
    await state('a red fox in snow', 'running');
    const bytes = await sharp({ create: { width: 60, height: 80, channels: 3, background: '#c05020' } })
      .png()
      .toBuffer();
    const preview = (await sharp(bytes).jpeg().toBuffer()).toString('base64');
    const live = { jobId: lease.jobId, requestId };
    const progress = { ...live, fraction: 0.4, classType: 'KSampler', step: 8, steps: 20, elapsedMs: 1 };
    backstage.bus?.publishLive('liveProgress', { jobId: lease.jobId }, progress, requestId);
    const bar = card('a red fox in snow').getByRole('progressbar');
    await expect.poll(() => bar.getAttribute('aria-valuenow'), { timeout: 10_000 }).toBe('40');
    backstage.bus?.publishLive(
      'livePreview',
      { jobId: lease.jobId },
      { ...live, mediaType: 'image/jpeg', base64: preview },
      requestId,
    );
    await page.getByAltText('Preview of a picture that is being drawn').waitFor();

    const stored = await bot.files.put(bytes, { mediaType: 'image/png', maxBytes: 1_000_000 });
    const output = {
      ...stored,
      index: 0,
      mediaType: 'image/png',
      width: 60,
      height: 80,
      nodeId: '9',
      filename: 'f.png',
    };
    await backstage.finish(lease, [output]);
    await state('a red fox in snow', 'succeeded');
    const picture = page.getByRole('button', { name: 'Open: Picture: a red fox in snow' });
    await picture.click();
    const lightbox = page.getByRole('dialog', { name: 'Picture' });
    await lightbox.getByAltText('Picture: a red fox in snow').waitFor();
    expect(await lightbox.getByRole('link', { name: 'Download' }).getAttribute('href')).toContain(stored.hash);
    await page.keyboard.press('Escape');
    await expect
      .poll(() => picture.evaluate((element) => element.ownerDocument.activeElement === element), { timeout: 10_000 })
      .toBe(true);
  });

  it('gives refused words back with the sentence that says what to change', async () => {
    await ask('/imagine a fox --n 0');
    await page.getByRole('alert').filter({ hasText: 'Ask for 1 to 8 pictures' }).waitFor();
    expect(await page.getByLabel('What you want to see').inputValue()).toBe('/imagine a fox --n 0');
    expect(await page.locator('.entry').count()).toBe(0);
  });

  it('keeps a draft with its options over a reload', async () => {
    await page.getByLabel('What you want to see').fill('a half-written');
    await page.getByRole('button', { name: 'Options' }).click();
    await page.getByText('16:9').click();
    await page.getByLabel('Seed').fill('18446744073709551615');
    await page.reload();
    await page.locator('#connection[data-state=live]').waitFor();
    expect(await page.getByLabel('What you want to see').inputValue()).toBe('a half-written');
    await page.getByRole('button', { name: 'Remove 16:9' }).waitFor();
    await page.getByRole('button', { name: 'Send' }).click();
    await state('a half-written', 'accepted');
    const [row] = await backstage.db.sql`select body from requests where id = ${await requestIdOf('a half-written')}`;
    expect(row?.['body']).toMatchObject({ options: { aspect: '16:9', seed: '18446744073709551615' } });
  });

  it('keeps what is sent while the server is away, sends it once, and catches up', async () => {
    await ask('a fox before');
    await state('a fox before', 'accepted');
    const before = await requestIdOf('a fox before');
    proxy.cut();
    await page.locator('#connection[data-state=reconnecting]').waitFor();
    await ask('a fox meanwhile');
    await page.getByText('Not accepted yet. It is sent again by itself.').waitFor();
    await backstage.answer(before, { state: 'replied', reply: 'A reply that nobody heard.' });
    await page.close();
    proxy.open();
    page = await context.newPage();
    await page.goto(`http://127.0.0.1:${proxy.port}/`);
    await state('a fox meanwhile', 'accepted');
    await page.getByText('A reply that nobody heard.').waitFor();
    const rows = await backstage.db.sql`select 1 from requests where body->>'text' = 'a fox meanwhile'`;
    expect(rows).toHaveLength(1);
  });

  it('catches up by itself after an interruption', async () => {
    await ask('a patient fox');
    await state('a patient fox', 'accepted');
    const requestId = await requestIdOf('a patient fox');
    proxy.cut();
    await page.locator('#connection[data-state=reconnecting]').waitFor();
    await backstage.answer(requestId, { state: 'replied', reply: 'Said while nobody listened.' });
    proxy.open();
    await page.locator('#connection[data-state=live]').waitFor();
    await expect.poll(() => page.getByText('Said while nobody listened.').count(), { timeout: 10_000 }).toBe(1);
  });

  it('connects although the first answer comes from a network’s sign-in page and the first stream never opens', async () => {
    await page.clock.install();
    let greetings = 0;
    await page.route('**/api/me*', (route) => {
      greetings += 1;
      if (greetings > 1) return route.continue();
      return route.fulfill({ contentType: 'text/html', body: '<p>Accept the terms of this network.</p>' });
    });
    let streams = 0;
    await page.route('**/api/events*', async (route) => {
      streams += 1;
      if (streams > 1) await route.continue();
    });
    await page.reload();
    await expect.poll(() => streams, { timeout: 10_000 }).toBe(1);
    await page.clock.runFor(11_000);
    await page.locator('#connection[data-state=live]').waitFor();
    expect(greetings).toBe(2);
  });

  it('cancels, and tries again', async () => {
    await ask('an unwanted fox');
    await card('an unwanted fox').getByRole('button', { name: 'Cancel' }).click();
    await state('an unwanted fox', 'cancelled');
    await card('an unwanted fox').getByRole('button', { name: 'Try again' }).click();
    await expect.poll(() => card('an unwanted fox').count(), { timeout: 10_000 }).toBe(2);
  });

  it('goes on from a picture by buttons, forms and lists, from the keyboard too', async () => {
    await ask('a fox to work with');
    await state('a fox to work with', 'accepted');
    const requestId = await requestIdOf('a fox to work with');
    await backstage.plan(requestId);
    const lease = await backstage.run();
    const bytes = await sharp({ create: { width: 60, height: 80, channels: 3, background: '#20c050' } })
      .png()
      .toBuffer();
    const stored = await bot.files.put(bytes, { mediaType: 'image/png', maxBytes: 1_000_000 });
    const output = { ...stored, index: 0, mediaType: 'image/png', nodeId: '9', filename: 'f.png' };
    await backstage.finish(lease, [output]);
    const entry = page.locator(`.entry[data-request-id="${requestId}"]`);
    await page.locator(`.entry[data-state=succeeded][data-request-id="${requestId}"]`).waitFor();
    const dialog = page.getByRole('dialog');

    await entry.getByRole('button', { name: 'Remix' }).click();
    await dialog.getByLabel('What you want to see').fill('a fox in a form --ar 1:1');
    await dialog.getByRole('button', { name: 'Draw' }).click();
    await state('a fox in a form', 'accepted');
    await card('a fox in a form').getByText('Remix').waitFor();

    await entry.getByText('More…').focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Escape');
    expect(await entry.locator('details[open]').count()).toBe(0);
    await entry.getByText('More…').click();
    await entry.getByRole('button', { name: 'Seed, model, time and cost' }).click();
    await dialog.getByText('Prompt: a red fox in snow').waitFor();
    await page.keyboard.press('Escape');

    await entry.getByRole('button', { name: 'Keep' }).click();
    await page.getByText('Kept. /gallery shows your favourites.').waitFor();
    await page.getByText('Menu').click();
    await page.getByRole('button', { name: 'Favourites' }).click();
    await dialog.getByRole('heading', { name: 'Your favourites' }).waitFor();
    await dialog.getByRole('button', { name: 'Show' }).click();
    await dialog.getByRole('heading', { name: 'Picture 1' }).waitFor();
    await dialog.getByRole('button', { name: 'Unkeep' }).waitFor();
    await page.keyboard.press('Escape');
  });

  it('opens the queue as a drawer on a phone, and Escape or a tap beside it closes it', async () => {
    await page.setViewportSize({ width: 390, height: 780 });
    const drawer = page.locator('#queue');
    const toggle = page.locator('#queue-toggle');
    await toggle.click();
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'hidden' });
    expect(await toggle.evaluate((element) => element.matches(':focus'))).toBe(true);
    await toggle.click();
    await page.mouse.click(10, 400);
    await drawer.waitFor({ state: 'hidden' });
    expect(await toggle.getAttribute('aria-expanded')).toBe('false');
  });

  it('speaks Chinese, and says so to assistive technology', async () => {
    await ask('a bilingual fox');
    await state('a bilingual fox', 'accepted');
    await page.getByRole('button', { name: '切换到中文' }).click();
    await page
      .locator('.entry', { has: card('a bilingual fox') })
      .getByText('已接受')
      .waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-Hans');
    const nameless = await page.evaluate<string[]>(`
      [...document.querySelectorAll('button, input, textarea, a')]
        .filter((element) => element.checkVisibility() && !(element.labels?.length > 0))
        .filter((element) => !element.ariaLabel && element.textContent === '')
        .map((element) => element.outerHTML)`);
    expect(nameless).toEqual([]);
  });

  it('attaches a picture, and says why a file is none', async () => {
    const png = await sharp({ create: { width: 9, height: 9, channels: 3, background: '#2060c0' } })
      .png()
      .toBuffer();
    await page.locator('#file').setInputFiles({ name: 'sea.png', mimeType: 'image/png', buffer: png });
    await page.getByAltText('sea.png').waitFor();
    await page
      .locator('#file')
      .setInputFiles({ name: 'bad.png', mimeType: 'image/png', buffer: Buffer.from('<svg/>') });
    await page.getByRole('alert').filter({ hasText: 'no picture that can be used' }).waitFor();
    await ask('make it darker');
    await expect
      .poll(() => card('make it darker').getByAltText('Attached to the request').count(), { timeout: 10_000 })
      .toBe(1);
  });
});

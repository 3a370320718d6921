import { chromium, type Browser } from 'playwright-core';
import { findBrowser } from './find-browser.ts';

// One page on loopback, seen by nobody: no sandbox (root and containers have none to offer), no calls home.
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts a headless Chromium, or says on stderr that there is none and gives undefined; the caller closes it. */
export async function launchBrowser(env: NodeJS.ProcessEnv = process.env): Promise<Browser | undefined> {
  const executablePath = findBrowser(env);
  if (executablePath === undefined) {
    process.stderr.write(
      'browser tests are skipped: no Chromium here, install one with: node scripts/install-browser.ts\n',
    );
    return undefined;
  }
  return chromium.launch({ executablePath, headless: true, args: flags, timeout: 60_000 });
}

import { expect, describe, it } from 'vitest';
import { findFreePort } from '@atelier/launcher/net/free-port';
import { startPlatform } from '../support/platform.ts';
import { untilSeen } from '../support/until-seen.ts';
import { createTelegramServer } from '../support/telegram/telegram-server.ts';

/* How the bot finds Telegram, and what it does without it: each test starts a bot of its own, at once. */

describe.concurrent('the token', { timeout: 60_000 }, () => {
  it('that Telegram refuses switches this chat off, and the page goes on', async () => {
    const telegram = createTelegramServer();
    const { apiRoot } = await telegram.start();
    const env = { TELEGRAM_TOKEN: '1:of_another_bot', TELEGRAM_API_ROOT: apiRoot };
    const other = await startPlatform({ comfyuiUrl: 'http://127.0.0.1:9', services: ['bot'], env });
    try {
      await untilSeen(() =>
        /TELEGRAM_TOKEN: Telegram refuses it/.test(other.service('bot').log()) ? true : undefined,
      );
      expect((await fetch(other.webUrl)).status).toBe(200);
    } finally {
      await other.stop();
      await telegram.stop();
    }
  });
});

describe.concurrent('a webhook', { timeout: 60_000 }, () => {
  it('brings updates, each once, and 200 is said after the commit', async () => {
    const posted = createTelegramServer();
    const [{ apiRoot: address }, port] = [await posted.start(), await findFreePort()];
    const env = {
      TELEGRAM_TOKEN: posted.token,
      TELEGRAM_API_ROOT: address,
      TELEGRAM_WEBHOOK_URL: `http://127.0.0.1:${port}`,
      TELEGRAM_WEBHOOK_PORT: String(port),
    };
    const other = await startPlatform({ comfyuiUrl: 'http://127.0.0.1:9', services: ['bot'], env });
    try {
      await untilSeen(() => posted.webhook);
      posted.say(7, '/help');
      const reply = await untilSeen(() => posted.replies(7)[0]);
      expect(reply.text).toContain('/imagine');
      const forged = await fetch(posted.webhook?.url ?? '', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': 'guess' },
        body: '{"update_id":1}',
      });
      expect(forged.status).toBe(401);
    } finally {
      await other.stop();
      await posted.stop();
    }
  });
});

describe.concurrent('Telegram', { timeout: 60_000 }, () => {
  it('may be away when the bot starts, and is found when it is back', async () => {
    const absent = createTelegramServer();
    const { apiRoot: address } = await absent.start();
    await absent.stop();
    const env = { TELEGRAM_TOKEN: absent.token, TELEGRAM_API_ROOT: address };
    const other = await startPlatform({ comfyuiUrl: 'http://127.0.0.1:9', services: ['bot'], env });
    try {
      await absent.start(Number(new URL(address).port));
      absent.say(7, '/help');
      const reply = await untilSeen(() => absent.replies(7)[0]);
      expect(reply.text).toContain('/imagine');
    } finally {
      await other.stop();
      await absent.stop();
    }
  });
});

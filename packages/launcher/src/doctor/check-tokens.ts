import { z } from 'zod';
import type { Environment } from '../settings/read-environment.ts';
import { examine, type Finding } from './finding.ts';

const timeoutMs = 8_000;

/** Whether each token that is set is accepted where it is for. Tokens never appear in what this says. */
export async function checkTokens(env: Environment): Promise<Finding[]> {
  const findings = await Promise.all([checkDiscord(env), checkTelegram(env), checkClaude(env)]);
  return findings.flat();
}

function off(name: string, variable: string): Promise<Finding[]> {
  return Promise.resolve([{ name, state: 'off', text: `off (set ${variable} to switch it on)` }]);
}

function checkDiscord(env: Environment): Promise<Finding[]> {
  const token = env['DISCORD_TOKEN'];
  if (token === undefined) return off('Discord', 'DISCORD_TOKEN');
  return examine('Discord', 'check the network and DISCORD_API_URL', async () => {
    const base = env['DISCORD_API_URL'] ?? 'https://discord.com/api';
    const answer = await ask(`${base}/v10/users/@me`, { authorization: `Bot ${token}` });
    if (answer.status === 401) {
      return {
        state: 'broken',
        text: 'the token is refused',
        advice: 'copy it again from the developer portal, page Bot',
      };
    }
    const { username } = z.looseObject({ username: z.string() }).parse(answer.body);
    return { state: 'ok', text: `signed in as ${username}` };
  });
}

function checkTelegram(env: Environment): Promise<Finding[]> {
  const token = env['TELEGRAM_TOKEN'];
  if (token === undefined) return off('Telegram', 'TELEGRAM_TOKEN');
  return examine('Telegram', 'check the network and TELEGRAM_API_ROOT', async () => {
    const base = env['TELEGRAM_API_ROOT'] ?? 'https://api.telegram.org';
    const answer = await ask(`${base}/bot${token}/getMe`, {});
    if (answer.status === 401 || answer.status === 404) {
      return { state: 'broken', text: 'the token is refused', advice: 'ask @BotFather for it again with /token' };
    }
    const { result } = z.looseObject({ result: z.looseObject({ username: z.string() }) }).parse(answer.body);
    return { state: 'ok', text: `signed in as @${result.username}` };
  });
}

function checkClaude(env: Environment): Promise<Finding[]> {
  const key = env['ANTHROPIC_API_KEY'];
  if (key === undefined) return off('Claude', 'ANTHROPIC_API_KEY');
  return examine('Claude', 'check the network and ANTHROPIC_BASE_URL', async () => {
    const base = env['ANTHROPIC_BASE_URL'] ?? 'https://api.anthropic.com';
    const answer = await ask(`${base}/v1/models?limit=1`, { 'x-api-key': key, 'anthropic-version': '2023-06-01' });
    if (answer.status === 401 || answer.status === 403) {
      return {
        state: 'broken',
        text: 'the key is refused',
        advice: 'make a new key in the console and set ANTHROPIC_API_KEY',
      };
    }
    return answer.status === 200
      ? { state: 'ok', text: 'the key is accepted' }
      : {
          state: 'warning',
          text: `answered HTTP ${answer.status}`,
          advice: 'try again later; until then words are read offline',
        };
  });
}

async function ask(url: string, headers: Record<string, string>): Promise<{ status: number; body: unknown }> {
  let answer: Response;
  try {
    answer = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
  } catch {
    // The cause can hold the address, and Telegram's holds the token.
    throw new Error('no answer');
  }
  return { status: answer.status, body: await answer.json().catch(() => undefined) };
}

import { expect, describe, it } from 'vitest';
import type { ChatOutcome } from '@atelier/bot/ports';
import { allPermissions } from '../support/discord/discord-state.ts';
import { textOf } from '../support/discord/fake-person.ts';
import { startScriptedBot } from '../support/discord/scripted-bot.ts';

/* Several processes on one token, and one that Discord refuses. */

const timeScale = 20;
const said: ChatOutcome = { outcome: 'said', text: 'done' };

describe('several processes on one token', () => {
  it('connect one at a time, and the next takes over when the first is gone', async () => {
    const other = await startScriptedBot({ adapter: { leadershipOf: sharedLead(), timeScale } });
    try {
      const second = other.make();
      const starting = second.start();
      expect(other.discord.gateway.shards).toEqual(['0/1']);
      expect(second.doors).toEqual([]);
      await other.adapter.stop();
      await starting;
      await other.discord.until('the other', () => other.discord.gateway.connected && second.doors.length > 0);
      other.core.script.run = async () => said;
      const { original } = await other.mei.slash('help');
      expect(original && textOf(original)).toBe('done');
      await second.stop();
    } finally {
      await other.stop();
    }
  });

  it('share the servers by shards: each hears and answers for its own alone', async () => {
    const sharded = await startScriptedBot({ adapter: { shards: { count: 2, ids: [0, 1] } }, discord: { shards: 2 } });
    try {
      await sharded.discord.until('both shards', () => sharded.discord.gateway.shards.length === 2);
      sharded.core.script.run = async () => said;
      await sharded.mei.slash('help');
      const facts = sharded.factsOf({ ended: true });
      expect(await sharded.send('result', facts)).toMatchObject({ outcome: 'sent' });
      // Only what is to be sent to these servers is claimed for it.
      const half = sharded.make({ shards: { count: 2, ids: [1] } });
      expect(half.part).toEqual({ door: 'discord', count: 2, ids: [1] });
      sharded.discord.assertCorrect();
    } finally {
      await sharded.stop();
    }
  });
});

/** One lead for all adapters of a test. */
function sharedLead() {
  let holder: object | undefined;
  return () => {
    const me = {};
    return {
      async claim() {
        holder ??= me;
        return holder === me;
      },
      async release() {
        if (holder === me) holder = undefined;
      },
    };
  };
}

it('stops calling long before Discord would ban it', async () => {
  const other = await startScriptedBot({
    discord: { rateRules: { 'message-create': { limit: 9_999, windowMs: 1 } } },
    adapter: { maxRefused: 30 },
  });
  try {
    const { channel } = other.discord;
    channel.allows = { ...allPermissions, send: false };
    const facts = other.factsOf({ ended: true });
    const request = { ...facts.request, place: { door: 'discord' as const, id: channel.id } };
    let outcome = await other.send('result', { ...facts, request });
    for (let count = 0; count < 50 && outcome.outcome === 'failed'; count++) {
      outcome = await other.send('result', { ...facts, request });
    }
    expect(outcome).toMatchObject({ outcome: 'postponed' });
    expect(other.discord.limits.counts.invalid).toBe(30);
  } finally {
    await other.stop();
  }
});

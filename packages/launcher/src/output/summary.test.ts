import { expect, test } from 'vitest';
import { summaryLines } from './summary.ts';

const running = {
  webUrl: 'http://127.0.0.1:8484/',
  comfyuiUrl: 'http://me:secret@gpu:8188/',
  simulated: false,
  home: { root: '/clone/.atelier' },
};

test('the address comes last, and no password or token is shown', () => {
  const text = summaryLines(running, { DISCORD_TOKEN: 'abc.def', ANTHROPIC_API_KEY: 'sk-1' }).join('\n');
  expect(text).toMatch(/Atelier is ready: http:\/\/127\.0\.0\.1:8484\/ {3}\(Ctrl-C stops it\)$/);
  expect(text).toContain('ComfyUI   http://gpu:8188/');
  expect(text).toMatch(/Discord {3}on\n {2}Telegram {2}off \(set TELEGRAM_TOKEN/);
  for (const secret of ['secret', 'abc.def', 'sk-1']) expect(text).not.toContain(secret);
});

test('the other doors are named where they are open', () => {
  const text = summaryLines({ ...running, gatewayUrl: 'http://127.0.0.1:8485', doorUrl: 'http://127.0.0.1:8486' }, {});
  expect(text.join('\n')).toContain('HTTP API  http://127.0.0.1:8485/docs/\n  As ComfyUI http://127.0.0.1:8486\n');
});

test('the simulator says what it is', () => {
  expect(summaryLines({ ...running, simulated: true }, {}).join('\n')).toContain('simulator (set COMFYUI_URL');
});

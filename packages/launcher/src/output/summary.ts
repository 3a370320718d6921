import type { Environment } from '../settings/read-environment.ts';

/** What the summary tells about a running launcher. */
export interface SummarySubject {
  readonly webUrl: string;
  readonly gatewayUrl?: string | undefined;
  readonly doorUrl?: string | undefined;
  readonly comfyuiUrl: string;
  readonly simulated: boolean;
  readonly home: { readonly root: string };
}

/** The few lines printed when all is ready, the page's address last so that it is what stays in view. */
export function summaryLines(subject: SummarySubject, env: Environment): string[] {
  const state = (name: string, on: string) => (env[name] === undefined ? `off (set ${name} to switch it on)` : on);
  return [
    '',
    `  ComfyUI   ${subject.simulated ? 'simulator (set COMFYUI_URL to use a real one)' : withoutPassword(subject.comfyuiUrl)}`,
    `  Claude    ${env['ANTHROPIC_API_KEY'] === undefined ? 'off, words are read offline (set ANTHROPIC_API_KEY to switch it on)' : 'on'}`,
    `  Discord   ${state('DISCORD_TOKEN', 'on')}`,
    `  Telegram  ${state('TELEGRAM_TOKEN', 'on')}`,
    ...(subject.gatewayUrl === undefined ? [] : [`  HTTP API  ${subject.gatewayUrl}/docs/`]),
    ...(subject.doorUrl === undefined ? [] : [`  As ComfyUI ${subject.doorUrl}`]),
    `  State     ${subject.home.root}`,
    '',
    `Atelier is ready: ${subject.webUrl}   (Ctrl-C stops it)`,
  ];
}

/** The address without a user name or password. */
function withoutPassword(address: string): string {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  return url.href;
}

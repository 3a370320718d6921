import { describe, expect, it } from 'vitest';
import { parseGatewayConfig } from './config.ts';

const required = { DATABASE_URL: 'postgres://localhost/a', NATS_URL: 'nats://localhost' };

describe('the settings of the gateway', () => {
  it('are safe where nothing is set: this machine, and tokens', () => {
    const { http, webhooks } = parseGatewayConfig(required);
    expect(http).toMatchObject({ host: '127.0.0.1', port: 8485, open: false, origins: [], trustProxy: false });
    expect(webhooks).toEqual({ allowPrivateTargets: false });
  });

  it('name origins as browsers do', () => {
    const origins = 'https://a.example, http://localhost:3000/,';
    const { http } = parseGatewayConfig({ ...required, ATELIER_GATEWAY_ORIGINS: origins });
    expect(http.origins).toEqual(['https://a.example', 'http://localhost:3000']);
    for (const wrong of ['*', 'a.example', 'https://a.example/path', 'null']) {
      expect(() => parseGatewayConfig({ ...required, ATELIER_GATEWAY_ORIGINS: wrong })).toThrow(
        'ATELIER_GATEWAY_ORIGINS',
      );
    }
  });

  it('cannot open a gateway that others reach', () => {
    const open = { ...required, ATELIER_GATEWAY_OPEN: 'true' };
    expect(parseGatewayConfig(open).http.open).toBe(true);
    expect(() => parseGatewayConfig({ ...open, ATELIER_GATEWAY_HOST: '0.0.0.0' })).toThrow('ATELIER_GATEWAY_OPEN');
  });
});

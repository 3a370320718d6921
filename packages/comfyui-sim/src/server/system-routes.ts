import type { VersionTraits } from '../version/sim-version.ts';
import { jsonAnswer, textAnswer } from './http-exchange.ts';
import type { Route } from './http-exchange.ts';

const totalBytes = 25_276_514_304;
const freeBytes = 24_082_055_168;

const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>ComfyUI simulator</title>
<body><h1>ComfyUI simulator</h1><p>This server speaks ComfyUI's protocol and draws simulated pictures. It has no page of its own.</p></body></html>`;

/** Statistics, features, and what the front end asks for at start. */
export function createSystemRoutes(traits: VersionTraits): Route {
  const stats = {
    system: {
      os: traits.osName,
      ram_total: totalBytes,
      ram_free: freeBytes,
      comfyui_version: traits.version,
      required_frontend_version: traits.frontendVersion,
      installed_templates_version: null,
      required_templates_version: traits.templatesVersion,
      python_version: '3.13.5 (main, Aug 10 2026, 12:06:59) [GCC 14.2.0]',
      pytorch_version: '2.6.0+debian',
      embedded_python: false,
      argv: ['main.py'],
    },
    devices: [
      {
        name: 'cpu',
        type: 'cpu',
        index: null,
        vram_total: totalBytes,
        vram_free: freeBytes,
        torch_vram_total: totalBytes,
        torch_vram_free: freeBytes,
      },
    ],
  };
  return ({ method, path }) => {
    switch (`${method} ${path}`) {
      case 'GET /system_stats':
        return jsonAnswer(stats);
      case 'GET /features':
        return jsonAnswer(traits.features);
      case 'GET /extensions':
        return jsonAnswer([]);
      case 'GET /users':
        return jsonAnswer({ storage: 'server', migrated: true });
      case 'GET /settings':
      case 'GET /workflow_templates':
        return jsonAnswer({});
      case 'GET /userdata':
        return textAnswer('Directory not found', 404);
      case 'GET /':
        return { status: 200, headers: { 'content-type': 'text/html' }, body: page };
      default:
        return undefined;
    }
  };
}

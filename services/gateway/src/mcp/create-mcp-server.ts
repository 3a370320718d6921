import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  type Tool as McpTool,
} from '@modelcontextprotocol/sdk/types.js';
import { toAppError } from '../adapters/http/to-app-error.ts';
import type { Principal } from '../core/principal.ts';
import type { Tool, ToolDesk } from './tool-desk.ts';

const instructions =
  'Makes pictures and video on a shared ComfyUI. `run` queues work behind everybody else and returns at once with an id; ' +
  '`jobs` tells what became of it, `look` shows the pictures. `draft`, `edit` and `inspect` build workflows step by step; `search` finds models, nodes and earlier pictures.';

/**
 * One protocol server for one call: nothing is kept between calls, so any gateway answers any of them. A tool call that
 * carries `_meta.idempotencyKey` is the same call whenever it is sent again.
 */
export function createMcpServer(desk: ToolDesk, principal: Principal): Server {
  const server = new Server(
    { name: 'atelier', title: 'Atelier', version: '1.0.0' },
    { capabilities: { tools: {} }, instructions },
  );
  server.setRequestHandler(ListToolsRequestSchema, async () => {
    try {
      return { tools: (await desk.list(principal)).map(toMcpTool) };
    } catch (thrown) {
      throw new McpError(ErrorCode.InternalError, toAppError(thrown).publicMessage[principal.language]);
    }
  });
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    const key = params._meta?.['idempotencyKey'];
    return desk.call(principal, {
      name: params.name,
      arguments: params.arguments ?? {},
      callId: typeof key === 'string' && key !== '' ? key : undefined,
    });
  });
  return server;
}

function toMcpTool({ name, description, inputSchema, readOnly }: Tool): McpTool {
  return {
    name,
    description,
    inputSchema: { ...inputSchema, type: 'object' },
    annotations: { readOnlyHint: readOnly, destructiveHint: false, openWorldHint: false },
  };
}

import { askTool } from './ask.ts';
import { describeTool } from './describe.ts';
import { draftTool, editTool, inspectTool } from './draft.ts';
import { cancelTool, jobsTool } from './jobs.ts';
import { lookTool } from './look.ts';
import { memoryTool } from './memory.ts';
import { runTool } from './run.ts';
import { createSearchTool } from './search.ts';
import { serverTool } from './server-status.ts';
import type { AgentTool } from './tool.ts';

/** Every tool of the agent, in the order in which the model reads them. */
export function createAgentTools(): AgentTool[] {
  return [
    runTool,
    createSearchTool(),
    describeTool,
    draftTool,
    editTool,
    inspectTool,
    jobsTool,
    lookTool,
    cancelTool,
    serverTool,
    memoryTool,
    askTool,
  ];
}

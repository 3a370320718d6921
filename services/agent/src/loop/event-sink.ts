import type { RequestCost } from '@atelier/shared/contracts/request';
import type { ReplyStep, ToolResult, ToolUse } from './step.ts';

/** What happens in a run, for whoever shows it. Nothing depends on it. */
export type RunEvent =
  /** The text of the reply so far, whole. */
  | { type: 'text'; text: string }
  | { type: 'reply'; step: ReplyStep; cost: RequestCost }
  | { type: 'tools'; uses: readonly ToolUse[] }
  | { type: 'result'; result: ToolResult }
  | { type: 'end'; how: string; reply?: string };

export type EventSink = (event: RunEvent) => void;

import type { AgentSettings } from '../config.ts';
import type { EventSink } from '../loop/event-sink.ts';
import type { ModelPort } from '../loop/model-port.ts';
import type { Boundary } from '../loop/run-agent.ts';

/** The language model, with how it is worked with. */
export interface AgentModel extends AgentSettings {
  port: ModelPort;
  /** Told of all that happens in runs. */
  sink?: EventSink;
  boundary?: Boundary;
}

import type { PromptOutputs } from '@atelier/comfyui/client/finished-prompt';

/** A text that a node put out. */
export interface OutputText {
  nodeId: string;
  /** Order among the node's texts, from 0. */
  place: number;
  text: string;
  filename: string;
}

/** Lists of an output that hold texts: ComfyUI's own nodes say `text`, some custom ones `string`. */
const textLists: ReadonlySet<string> = new Set(['text', 'string']);

/** The texts among outputs, in order of node; empty ones are passed over. */
export function outputTexts(outputs: PromptOutputs): OutputText[] {
  const texts: OutputText[] = [];
  for (const [nodeId, output] of Object.entries(outputs)) {
    let place = 0;
    for (const [list, items] of Object.entries(output)) {
      if (!textLists.has(list)) continue;
      for (const text of Array.isArray(items) ? items : [items]) {
        if (typeof text !== 'string' || text === '') continue;
        const filename = place === 0 ? `text-${nodeId}.txt` : `text-${nodeId}-${place + 1}.txt`;
        texts.push({ nodeId, place, text, filename });
        place += 1;
      }
    }
  }
  return texts;
}

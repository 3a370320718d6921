import { z } from 'zod';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { defaultProfile, modelFamilies } from './service-profile.ts';
import type { ServiceProfile } from './service-profile.ts';

const ms = z.number().min(0).max(3_600_000);
const byFamily = z.partialRecord(z.enum(modelFamilies), ms).default({});
const byClass = z.record(z.string(), ms).default({});

const profileSchema = z.strictObject({
  stepMs: byFamily,
  loadMs: byFamily,
  swapMs: byFamily,
  smallLoadMs: ms.optional(),
  nodeMs: byClass,
  defaultNodeMs: ms.optional(),
  pixelMs: byClass,
});

/**
 * Reads a profile from JSON: what is left out stays as it is in the default one. Milliseconds at speed 1.
 *
 * @throws ComfyError `malformed` for what is not JSON, ZodError for a family or a key that does not exist.
 */
export function parseServiceProfile(text: string): ServiceProfile {
  const given = profileSchema.parse(parseJson(text, { maxChars: 10_000_000, maxDepth: 10 }));
  return {
    stepMs: { ...defaultProfile.stepMs, ...given.stepMs },
    loadMs: { ...defaultProfile.loadMs, ...given.loadMs },
    swapMs: { ...defaultProfile.swapMs, ...given.swapMs },
    smallLoadMs: given.smallLoadMs ?? defaultProfile.smallLoadMs,
    nodeMs: { ...defaultProfile.nodeMs, ...given.nodeMs },
    defaultNodeMs: given.defaultNodeMs ?? defaultProfile.defaultNodeMs,
    pixelMs: { ...defaultProfile.pixelMs, ...given.pixelMs },
  };
}

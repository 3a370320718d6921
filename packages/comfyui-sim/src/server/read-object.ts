import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import type { JsonObject } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import type { HttpExchange } from './http-exchange.ts';

/** A body that must be an object; undefined where Python would raise on it. */
export async function readObject(exchange: HttpExchange): Promise<JsonObject | undefined> {
  try {
    const value = parseJson((await exchange.readBody()).toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch (error) {
    if (error instanceof ComfyError) return undefined;
    throw error;
  }
}

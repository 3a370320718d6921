import type { JsonObject } from '@atelier/comfyui/json/json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { parseRegistry } from '@atelier/comfyui/registry/parse-registry';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { FileStore } from '../files/file-store.ts';
import { applyInventory } from '../inventory/apply-inventory.ts';
import type { Inventory } from '../inventory/inventory.ts';

/** The node classes that the simulator serves: text for HTTP, parsed for validation and execution. */
export interface SimRegistry {
  /** `GET /object_info`, with today's input files. */
  text: () => string;
  /** One class of it. */
  classInfo: (name: string) => JsonObject;
  parsed: () => Registry;
}

/** Builds texts and the parsed form when they are first asked for. */
export function createSimRegistry(objectInfo: JsonObject, inventory: Inventory, files: FileStore): SimRegistry {
  let current: { revision: number; json: JsonObject; text: string | undefined } | undefined;
  let parsed: Registry | undefined;

  function now(): { json: JsonObject; text: string | undefined } {
    const revision = files.inputRevision();
    if (current?.revision !== revision)
      current = { revision, json: applyInventory(objectInfo, inventory, files.names('input')), text: undefined };
    return current;
  }

  const text = (): string => {
    const made = now();
    made.text ??= stringifyJson(made.json);
    return made.text;
  };

  return {
    text,
    classInfo: (name) => {
      const declared = now().json[name];
      return declared === undefined ? {} : { [name]: declared };
    },
    // Input files are checked apart from the registry, so that an upload does not make it new.
    parsed: () => (parsed ??= parseRegistry(text())),
  };
}

import { pythonJsonText } from '../json/python-json-text.ts';
import type { PyDict } from '@atelier/comfyui/json/python-json';
import { parseRegistry } from '@atelier/comfyui/registry/parse-registry';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { FileStore } from '../files/file-store.ts';
import { applyInventory } from '../inventory/apply-inventory.ts';
import type { Inventory } from '../inventory/inventory.ts';

/** The node classes that the simulator serves: text for HTTP, parsed for validation and execution. */
export interface SimRegistry {
  /** `GET /object_info`, with today's input files. */
  text: () => string;
  /** `GET /object_info/{class}`. */
  classText: (name: string) => string;
  parsed: () => Registry;
}

/** Builds texts and the parsed form when they are first asked for. */
export function createSimRegistry(objectInfo: PyDict, inventory: Inventory, files: FileStore): SimRegistry {
  let current: { revision: number; json: PyDict; text: string | undefined } | undefined;
  let parsed: Registry | undefined;

  function now(): { json: PyDict; text: string | undefined } {
    const revision = files.inputRevision();
    if (current?.revision !== revision)
      current = { revision, json: applyInventory(objectInfo, inventory, files.names('input')), text: undefined };
    return current;
  }

  const text = (): string => {
    const made = now();
    made.text ??= pythonJsonText(made.json);
    return made.text;
  };

  return {
    text,
    classText: (name) => {
      const declared = now().json.get(name);
      return pythonJsonText(new Map(declared === undefined ? [] : [[name, declared]]));
    },
    // Input files are checked apart from the registry, so that an upload does not make it new.
    parsed: () => (parsed ??= parseRegistry(text())),
  };
}

import { z } from 'zod';
import { idText, numeric, optional, parseAnswer } from './parse-answer.ts';

/** A graphics card (or the processor) as ComfyUI sees it. */
export interface ComfyDevice {
  name: string;
  /** `cuda`, `mps`, `xpu`, `cpu`, … */
  type: string;
  vramTotalBytes: number;
  vramFreeBytes: number;
}

/** `GET /system_stats`. */
export interface SystemStats {
  /** Such as `0.8.0`; undefined before ComfyUI told it. */
  comfyuiVersion?: string | undefined;
  pythonVersion?: string | undefined;
  pytorchVersion?: string | undefined;
  ramTotalBytes?: number | undefined;
  ramFreeBytes?: number | undefined;
  devices: ComfyDevice[];
}

const deviceSchema = z
  .looseObject({
    name: optional(idText),
    type: optional(z.string()),
    vram_total: optional(numeric),
    vram_free: optional(numeric),
  })
  .transform((device): ComfyDevice => ({
    name: device.name ?? '',
    type: device.type ?? '',
    vramTotalBytes: device.vram_total ?? 0,
    vramFreeBytes: device.vram_free ?? 0,
  }));

const statsSchema = z.looseObject({
  system: z.looseObject({
    comfyui_version: optional(z.string()),
    python_version: optional(z.string()),
    pytorch_version: optional(z.string()),
    ram_total: optional(numeric),
    ram_free: optional(numeric),
  }),
  devices: optional(z.array(deviceSchema)),
});

/** Reads the answer to `GET /system_stats`. */
export function parseSystemStats(text: string): SystemStats {
  const { system, devices } = parseAnswer(statsSchema, text, 'GET /system_stats');
  return {
    comfyuiVersion: system.comfyui_version,
    pythonVersion: system.python_version,
    pytorchVersion: system.pytorch_version,
    ramTotalBytes: system.ram_total,
    ramFreeBytes: system.ram_free,
    devices: devices ?? [],
  };
}

/** The first version recorded to obey `prompt_id` in `POST /interrupt`; earlier ones stop whatever runs. */
const targetedInterruptSince = [0, 3, 64] as const;

/** Whether a ComfyUI of this version stops only the prompt that `POST /interrupt` names. Unknown versions: no. */
export function hasTargetedInterrupt(version: string | undefined): boolean {
  const match = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version ?? '');
  if (match === null) return false;
  const parts = match.slice(1).map(Number);
  for (const [index, least] of targetedInterruptSince.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}

import type { JsonObject } from '@atelier/comfyui/json/json';
import { modelFolders, modelFolders0364 } from '@atelier/comfyui/registry/model-folders';

/** Versions whose behaviour the simulator knows: the first two recorded, the third written after its source. */
export const simVersions = ['0.3.64', '0.8.0', '0.38.0'] as const;

export type SimVersion = (typeof simVersions)[number];

/** What differs between the versions besides validation. */
export interface VersionTraits {
  version: SimVersion;
  /** The recording whose node registry is served. */
  registryVersion: '0.3.64' | '0.8.0';
  /** `extra_data` gets a `create_time`. */
  stampsCreateTime: boolean;
  /** `GET /api/jobs` and `/api/jobs/{id}`. */
  hasJobs: boolean;
  /** `POST /api/jobs/{id}/cancel`, and `cancelled` as a job's status. */
  cancelsJobs: boolean;
  /** A given `prompt_id` must be a canonical lowercase UUID. */
  requiresCanonicalPromptId: boolean;
  /** `system_stats.system.os`. */
  osName: string;
  frontendVersion: string;
  templatesVersion: string;
  /** What `GET /features` and the socket's reply say. */
  features: JsonObject;
  modelFolders: readonly string[];
}

/** As both recorded servers say (`--max-upload-size`, 100 MiB by default). */
const maxUploadBytes = 104_857_600;

/** The traits of a version. 0.3.64 and 0.8.0 follow recordings of those servers; 0.38.0 follows ComfyUI's source of autumn 2026. */
export function versionTraits(version: SimVersion): VersionTraits {
  const old = version === '0.3.64';
  const newest = version === '0.38.0';
  return {
    version,
    registryVersion: old ? '0.3.64' : '0.8.0',
    stampsCreateTime: !old,
    hasJobs: !old,
    cancelsJobs: newest,
    requiresCanonicalPromptId: newest,
    osName: old ? 'posix' : 'linux',
    frontendVersion: old ? '1.27.10' : '1.35.9',
    templatesVersion: old ? '0.1.95' : '0.7.67',
    features: {
      supports_preview_metadata: true,
      max_upload_size: maxUploadBytes,
      ...(old ? {} : { extension: { manager: { supports_v4: true } } }),
    },
    modelFolders: old ? modelFolders0364 : modelFolders,
  };
}

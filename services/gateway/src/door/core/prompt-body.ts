import { isJsonObject } from '@atelier/comfyui/json/is-json-object';
import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';

/** What ComfyUI's `POST /prompt` takes. */
export interface PromptBody {
  prompt: Json;
  promptId?: string;
  clientId?: string;
  extraData: JsonObject;
  targets?: string[];
}

/** How ComfyUI refuses a body. https://github.com/comfyanonymous/ComfyUI server.py, 0.8.0 */
export interface PromptRefusal {
  status: 400 | 500;
  error: { type: string; message: string; details: string; extra_info: JsonObject };
}

const maxIdChars = 200;
const limits = { maxDepth: 200, maxValues: 400_000 } as const;
/** Keys of paid services: they are nobody's business here, and are not kept. */
const secretKeys = ['auth_token_comfy_org', 'api_key_comfy_org'] as const;

/** Reads the body of a prompt as ComfyUI does; `front` and `number` are left aside, since nobody passes the queue. */
export function readPromptBody(text: string): PromptBody | PromptRefusal {
  let body: Json;
  try {
    body = parseJson(text, limits);
  } catch {
    return refusal(500, 'invalid_json', 'The body is no JSON that can be read');
  }
  if (!isJsonObject(body)) {
    // Python looks for "prompt" in lists and texts, too, and stumbles over the rest.
    return Array.isArray(body) || typeof body === 'string'
      ? refusal(400, 'no_prompt', 'No prompt provided')
      : refusal(500, 'invalid_json', 'The body is no object');
  }
  const {
    prompt,
    prompt_id: promptId,
    client_id: clientId,
    extra_data: extra,
    partial_execution_targets: targets,
  } = body;
  if (prompt === undefined || prompt === null) return refusal(400, 'no_prompt', 'No prompt provided');
  if (promptId !== undefined && promptId !== null && (typeof promptId !== 'string' || !isId(promptId))) {
    return refusal(400, 'invalid_prompt_id', 'prompt_id must be a text of at most 200 characters');
  }
  const extraData: JsonObject = isJsonObject(extra) ? { ...extra } : {};
  for (const key of secretKeys) delete extraData[key];
  return {
    prompt,
    extraData,
    ...(typeof promptId === 'string' ? { promptId } : {}),
    ...(typeof clientId === 'string' && isId(clientId) ? { clientId } : {}),
    ...(Array.isArray(targets) ? { targets: targets.filter((target) => typeof target === 'string') } : {}),
  };
}

export function isRefusal(read: PromptBody | PromptRefusal): read is PromptRefusal {
  return 'error' in read;
}

/** A refusal in ComfyUI's own words. */
export function refusal(
  status: PromptRefusal['status'],
  type: string,
  message: string,
  details = message,
): PromptRefusal {
  return { status, error: { type, message, details, extra_info: {} } };
}

function isId(text: string): boolean {
  return text !== '' && text.length <= maxIdChars && !/\p{Cc}/u.test(text);
}

/** @typedef {import('../../../core/cards/job-card.ts').JobCard} JobCard */
/** @typedef {import('../../../core/cards/queue-card.ts').QueueCard} QueueCard */
/** @typedef {import('./strings.js').Language} Language */

/** What the server answered instead of what was asked; `sentences` are for people. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 where no answer came.
   * @param {{en: string, zh: string} | undefined} sentences
   */
  constructor(status, sentences) {
    super(`status ${status}`);
    this.status = status;
    this.sentences = sentences;
  }

  /** Nothing is wrong with what was sent: the same may be sent again. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

const timeoutMs = 10_000;

/**
 * @param {string} path
 * @param {{method?: string, json?: unknown, body?: FormData, timeoutMs?: number}} [options]
 * @returns {Promise<any>} the answer's JSON, undefined where it has none.
 */
export async function callApi(path, options = {}) {
  const { json, body } = options;
  let response;
  let text;
  try {
    response = await fetch(path, {
      method: options.method ?? (json === undefined && body === undefined ? 'GET' : 'POST'),
      headers: json === undefined ? {} : { 'content-type': 'application/json' },
      body: json === undefined ? (body ?? null) : JSON.stringify(json),
      signal: AbortSignal.timeout(options.timeoutMs ?? timeoutMs),
    });
    text = await response.text();
  } catch {
    throw new ApiError(0, undefined);
  }
  const { ok, answer } = parseJson(text);
  if (!response.ok) throw new ApiError(response.status, answer?.error?.message);
  // Something on the way answered in the server's place, such as the sign-in page of a network.
  if (!ok) throw new ApiError(0, undefined);
  return answer;
}

/** @returns {{ok: boolean, answer?: any}} */
function parseJson(/** @type {string} */ text) {
  try {
    return { ok: true, answer: text === '' ? undefined : JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}

/** @returns {Promise<{hash: string, mediaType: string, name?: string}>} */
export function uploadPicture(/** @type {File} */ file) {
  const body = new FormData();
  body.append('file', file);
  return callApi('/api/uploads', { body, timeoutMs: 120_000 });
}

/**
 * @param {string} hash
 * @param {string} [downloadName] offers the file to be saved under this name.
 */
export function assetUrl(hash, downloadName) {
  const query = downloadName === undefined ? '' : `?download=${encodeURIComponent(downloadName)}`;
  return `/api/assets/${hash}${query}`;
}

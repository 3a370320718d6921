/** One part of a form. */
export interface FormPart {
  name: string;
  filename: string | undefined;
  bytes: Buffer;
}

/** Parts that a form may have; ComfyUI's uploads have five. */
const maxParts = 50;

function headerValue(headers: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)$`, 'im').exec(headers)?.[1]?.trim();
}

function parameter(disposition: string, name: string): string | undefined {
  const quoted = new RegExp(`[;\\s]${name}="((?:[^"\\\\]|\\\\.)*)"`, 'i').exec(disposition)?.[1];
  if (quoted !== undefined) return quoted.replaceAll(/%22/g, '"').replaceAll(/\\(["\\])/g, '$1');
  return new RegExp(`[;\\s]${name}=([^;\\s]+)`, 'i').exec(disposition)?.[1];
}

/**
 * Splits a multipart form.
 *
 * @returns undefined when the content type names no boundary or the body does not follow it.
 */
export function parseMultipart(contentType: string | undefined, body: Buffer): FormPart[] | undefined {
  const boundary = /^multipart\/form-data\b.*;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType ?? '');
  const mark = boundary?.[1] ?? boundary?.[2];
  if (mark === undefined) return undefined;
  const delimiter = Buffer.from(`--${mark}`);
  const parts: FormPart[] = [];
  let at = body.indexOf(delimiter);
  while (at !== -1 && parts.length < maxParts) {
    const start = at + delimiter.length;
    if (body.subarray(start, start + 2).toString('latin1') === '--') return parts;
    const headersEnd = body.indexOf('\r\n\r\n', start);
    const next = headersEnd === -1 ? -1 : body.indexOf(Buffer.from(`\r\n--${mark}`), headersEnd);
    if (next === -1) return undefined;
    const headers = body.subarray(start, headersEnd).toString('utf8');
    const disposition = headerValue(headers, 'content-disposition') ?? '';
    const name = parameter(disposition, 'name');
    if (name !== undefined) {
      parts.push({ name, filename: parameter(disposition, 'filename'), bytes: body.subarray(headersEnd + 4, next) });
    }
    at = next + 2;
  }
  return undefined;
}

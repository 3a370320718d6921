/** A file to upload. A stream is sent as it comes and so can be sent only once. */
export interface UploadContent {
  name: string;
  content: Uint8Array | ReadableStream<Uint8Array>;
  /** `application/octet-stream` unless given; ComfyUI goes by the name. */
  contentType?: string;
}

/** A multipart/form-data body: one file and some text fields. */
export interface MultipartBody {
  contentType: string;
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
}

/** Builds the body of an upload (RFC 7578); bytes give a body of known length, a stream one that is sent in chunks. */
export function createMultipart(
  fileField: string,
  file: UploadContent,
  fields: Readonly<Record<string, string>>,
  boundary: string,
): MultipartBody {
  const encoder = new TextEncoder();
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"\r\n\r\n${value}\r\n`,
  );
  const head = encoder.encode(
    `${parts.join('')}--${boundary}\r\nContent-Disposition: form-data; name="${quoted(fileField)}"; ` +
      `filename="${quoted(file.name)}"\r\nContent-Type: ${quoted(file.contentType ?? 'application/octet-stream')}\r\n\r\n`,
  );
  const tail = encoder.encode(`\r\n--${boundary}--\r\n`);
  const contentType = `multipart/form-data; boundary=${boundary}`;
  if (file.content instanceof Uint8Array) return { contentType, body: Buffer.concat([head, file.content, tail]) };
  return { contentType, body: ReadableStream.from(chunks(head, file.content, tail)) };
}

/** As browsers write names in a header: quotes and line ends as percent codes. */
function quoted(text: string): string {
  return text.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

async function* chunks(head: Uint8Array, content: ReadableStream<Uint8Array>, tail: Uint8Array) {
  yield head;
  yield* content;
  yield tail;
}

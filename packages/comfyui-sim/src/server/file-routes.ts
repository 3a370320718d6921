import sharp from 'sharp';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { insidePath, splitAnnotation } from '../files/file-names.ts';
import type { FileStore, FolderType } from '../files/file-store.ts';
import { emptyAnswer, jsonAnswer, serverTrouble } from './http-exchange.ts';
import type { HttpAnswer, HttpExchange, Route } from './http-exchange.ts';
import { parseMultipart } from './parse-multipart.ts';
import type { FormPart } from './parse-multipart.ts';

const contentTypes: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  svg: 'image/svg+xml',
  bmp: 'image/bmp',
  mp4: 'video/mp4',
  webm: 'video/webm',
  mp3: 'audio/mpeg',
  wav: 'audio/x-wav',
  flac: 'audio/flac',
  json: 'application/json',
  txt: 'text/plain',
};

function asFolder(type: string): FolderType | undefined {
  return type === 'input' || type === 'output' || type === 'temp' ? type : undefined;
}

/** The file that `filename`, `type` and `subfolder` mean, or the refusal. */
function locate(filename: string, type: string, subfolder: string): { folder: FolderType; name: string } | HttpAnswer {
  const { name, folder: annotated } = splitAnnotation(filename);
  if (name.startsWith('/') || name.includes('..')) return emptyAnswer(400);
  const folder = annotated ?? asFolder(type);
  if (folder === undefined) return emptyAnswer(400);
  const inside = insidePath(subfolder);
  if (inside === undefined || /(^|[\\/])\.\.([\\/]|$)/.test(subfolder)) return emptyAnswer(403);
  const base = name.slice(name.lastIndexOf('/') + 1);
  return { folder, name: inside === '' ? base : `${inside}/${base}` };
}

/** Bytes from-to, both inclusive, of one range; undefined when the header asks for none or for several. */
function parseRange(
  header: string | undefined,
  size: number,
): { from: number; to: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const from = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const to = match[1] === '' || match[2] === '' ? size - 1 : Math.min(size - 1, Number(match[2]));
  return from >= size || from > to ? 'unsatisfiable' : { from, to };
}

async function view(files: FileStore, { query, request }: HttpExchange): Promise<HttpAnswer> {
  const filename = query.get('filename');
  if (filename === null) return emptyAnswer(404);
  if (filename === '') return emptyAnswer(400);
  const place = locate(filename, query.get('type') ?? 'output', query.get('subfolder') ?? '');
  if ('status' in place) return place;
  const file = await files.read(place.folder, place.name);
  if (file === undefined) return emptyAnswer(404);
  const base = place.name.slice(place.name.lastIndexOf('/') + 1);
  const answer = (type: string, body: Buffer): HttpAnswer => ({
    status: 200,
    headers: { 'content-type': type, 'content-disposition': `filename="${base.replaceAll('"', '')}"` },
    body,
  });
  const channel = query.get('channel') ?? '';
  const preview = query.get('preview');
  try {
    if (preview !== null) return answer(...(await encodeView(file.bytes, preview, channel)));
    if (channel === 'rgb')
      return answer('image/png', await sharp(file.bytes).removeAlpha().png({ compressionLevel: 1 }).toBuffer());
    if (channel === 'a') return answer('image/png', await alphaOnly(file.bytes));
  } catch {
    return serverTrouble;
  }
  const extension = base.slice(base.lastIndexOf('.') + 1).toLowerCase();
  const whole = answer(contentTypes[extension] ?? 'application/octet-stream', file.bytes);
  const headers = {
    ...whole.headers,
    'accept-ranges': 'bytes',
    'last-modified': new Date(file.modifiedAt).toUTCString(),
  };
  const range = parseRange(request.headers.range, file.bytes.length);
  if (range === undefined) return { ...whole, headers };
  if (range === 'unsatisfiable') return { status: 416, headers: { 'content-range': `bytes */${file.bytes.length}` } };
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${range.from}-${range.to}/${file.bytes.length}` },
    body: file.bytes.subarray(range.from, range.to + 1),
  };
}

async function encodeView(bytes: Buffer, preview: string, channel: string): Promise<[string, Buffer]> {
  const parts = preview.split(';');
  const asked = parts[0] ?? '';
  const format = asked === 'jpeg' && !channel.includes('a') ? 'jpeg' : 'webp';
  const last = parts.at(-1) ?? '';
  const quality = /^\d+$/.test(last) ? Math.min(100, Math.max(1, Number(last))) : 90;
  const image = format === 'jpeg' || channel === 'rgb' ? sharp(bytes).removeAlpha() : sharp(bytes);
  return format === 'jpeg'
    ? ['image/jpeg', await image.jpeg({ quality }).toBuffer()]
    : ['image/webp', await image.webp({ quality, effort: 1 }).toBuffer()];
}

async function alphaOnly(bytes: Buffer): Promise<Buffer> {
  const { data, info } = await sharp(bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  for (let at = 0; at < data.length; at += 4) data.fill(0, at, at + 3);
  return sharp(data, { raw: { width: info.width, height: info.height, channels: 4 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

function field(parts: readonly FormPart[], name: string): string | undefined {
  return parts.find((part) => part.name === name && part.filename === undefined)?.bytes.toString('utf8');
}

/** Puts the mask's transparency into the picture that `original_ref` names; undefined when there is none such. */
async function maskedOriginal(
  files: FileStore,
  mask: Buffer,
  originalRef: string | undefined,
): Promise<Buffer | HttpAnswer> {
  const ref = parseJson(originalRef ?? '');
  if (typeof ref !== 'object' || ref === null || Array.isArray(ref) || typeof ref['filename'] !== 'string')
    return serverTrouble;
  const subfolder = typeof ref['subfolder'] === 'string' ? ref['subfolder'] : '';
  const place = locate(ref['filename'], typeof ref['type'] === 'string' ? ref['type'] : 'output', subfolder);
  if ('status' in place) return place;
  const original = await files.read(place.folder, place.name);
  // ComfyUI answers as if it had saved something.
  if (original === undefined) return Buffer.alloc(0);
  const [picture, shape] = await Promise.all([
    sharp(original.bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true }),
    sharp(mask).ensureAlpha().extractChannel('alpha').raw().toBuffer({ resolveWithObject: true }),
  ]);
  const { width, height } = picture.info;
  const alpha = await sharp(shape.data, { raw: { width: shape.info.width, height: shape.info.height, channels: 1 } })
    .resize(width, height, { fit: 'fill' })
    .toColourspace('b-w')
    .raw()
    .toBuffer();
  return sharp(picture.data, { raw: { width, height, channels: picture.info.channels } })
    .joinChannel(alpha, { raw: { width, height, channels: 1 } })
    .png({ compressionLevel: 4 })
    .toBuffer();
}

async function upload(files: FileStore, exchange: HttpExchange, isMask: boolean): Promise<HttpAnswer> {
  const parts = parseMultipart(exchange.request.headers['content-type'], await exchange.readBody());
  const image = parts?.find((part) => part.name === 'image' && part.filename !== undefined);
  if (parts === undefined || image?.filename === undefined || image.filename === '') return emptyAnswer(400);
  const folder = asFolder(field(parts, 'type') ?? 'input');
  if (folder === undefined) return serverTrouble;
  const subfolder = field(parts, 'subfolder') ?? '';
  const directory = insidePath(subfolder);
  const pathOf = (name: string): string => insidePath(directory === '' ? name : `${directory}/${name}`) ?? '';
  if (directory === undefined || image.filename.startsWith('/') || pathOf(image.filename) === '')
    return emptyAnswer(400);
  const overwrite = field(parts, 'overwrite');
  const dot = image.filename.lastIndexOf('.');
  const [stem, extension] = dot > 0 ? [image.filename.slice(0, dot), image.filename.slice(dot)] : [image.filename, ''];
  let filename = image.filename;
  let isDuplicate = false;
  if (overwrite !== 'true' && overwrite !== '1') {
    for (let number = 1; ; number += 1) {
      const existing = await files.read(folder, pathOf(filename));
      if (existing === undefined) break;
      isDuplicate = existing.bytes.equals(image.bytes);
      if (isDuplicate) break;
      filename = `${stem} (${number})${extension}`;
    }
  }
  if (!isDuplicate) {
    const bytes = isMask ? await maskedOriginal(files, image.bytes, field(parts, 'original_ref')) : image.bytes;
    if (!Buffer.isBuffer(bytes)) return bytes;
    if (!isMask || bytes.length > 0) await files.write(folder, pathOf(filename), bytes);
  }
  return jsonAnswer({ name: filename, subfolder, type: folder });
}

/** `/view`, `/upload/image` and `/upload/mask`. */
export function createFileRoutes(files: FileStore): Route {
  return (exchange) => {
    switch (`${exchange.method} ${exchange.path}`) {
      case 'GET /view':
      case 'HEAD /view':
        return view(files, exchange);
      case 'POST /upload/image':
        return upload(files, exchange, false);
      case 'POST /upload/mask':
        return upload(files, exchange, true).catch(() => serverTrouble);
      default:
        return undefined;
    }
  };
}

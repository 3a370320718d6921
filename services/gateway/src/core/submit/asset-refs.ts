import type { AssetRef, RequestBody } from '@atelier/shared/contracts/request';

/** Every stored file that a body names, and every earlier request. */
export interface NamedThings {
  hashes: string[];
  requestIds: string[];
}

export function namedThings(body: RequestBody): NamedThings {
  const files: (AssetRef | undefined)[] = [];
  const requestIds: string[] = [];
  switch (body.kind) {
    case 'imagine':
      files.push(...(body.options.images ?? []), body.options.mask);
      break;
    case 'words':
      files.push(...(body.images ?? []), ...(body.options?.images ?? []), body.options?.mask);
      requestIds.push(...(body.about ?? []).map((source) => source.requestId));
      break;
    case 'derive':
      files.push(...(body.options?.images ?? []), body.options?.mask);
      requestIds.push(body.source.requestId);
      break;
    case 'describe':
      files.push(...body.images);
      break;
    case 'shots':
      files.push(...(body.options?.images ?? []), body.options?.mask);
      for (const shot of body.shots) files.push(...(shot.references ?? []).map((reference) => reference.image));
      break;
    case 'workflow':
      files.push(...(body.files ?? []).map((file) => file.image));
      break;
    case 'rerun':
      requestIds.push(body.requestId);
      break;
  }
  const hashes = files.flatMap((file) => (file === undefined ? [] : [file.hash]));
  return { hashes: [...new Set(hashes)], requestIds: [...new Set(requestIds)] };
}

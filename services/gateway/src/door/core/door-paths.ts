/** What the door does with an address that is none of its own. */
export type PathKind =
  /** A file of ComfyUI's front end. */
  | 'frontend'
  /** It changes or shows what is everybody's. */
  | 'closed'
  | 'unknown';

/** Files and lists of the front end that hold nothing of anybody. */
const open = [
  /^\/(?:index\.html|favicon\.ico|manifest\.json|site\.webmanifest|materialdesignicons\.min\.css|user\.css)?$/,
  /^\/(?:assets|scripts|lib|fonts|icons|images|css|cursor|templates|docs|extensions|workflow_templates)\/[\w./@+ ()~,-]+$/,
  /^\/(?:extensions|workflow_templates|i18n|global_subgraphs|node_replacements)$/,
  /^\/global_subgraphs\/[\w-]{1,100}$/,
];
/** Managers, files and logs of the server, accounts of others. */
const closed = [
  /^\/(?:v2\/)?(?:manager|customnode|externalmodel|snapshot|comfyui_manager|component|extension_manager)(?:\/|$)/,
  /^\/(?:internal|experiment|experimental|free|users|v2|view_metadata|upload_model|restart|reboot|shutdown)(?:\/|$)/,
];

/** @param path decoded; `/api` before it changes nothing. */
export function kindOfPath(path: string): PathKind {
  if (!isPlain(path)) return 'unknown';
  const bare = withoutApi(path);
  if (closed.some((pattern) => pattern.test(bare))) return 'closed';
  return open.some((pattern) => pattern.test(bare)) ? 'frontend' : 'unknown';
}

/** Every address of ComfyUI also stands under `/api`. */
export function withoutApi(path: string): string {
  return path.replace(/^\/api(?=\/)/, '');
}

/** Goes nowhere else, however often somebody decodes it. */
function isPlain(path: string): boolean {
  return !/[\\%\p{Cc}]|\/\/|(?:^|\/)\.{1,2}(?:\/|$)/u.test(path);
}

const maxPathChars = 300;

/** A path among a person's own files, or undefined. */
export function userFilePath(path: string): string | undefined {
  const given = path.normalize('NFC').replace(/^\/+/, '');
  if (given === '' || given.length > maxPathChars || !isPlain(given)) return undefined;
  return given.split('/').every((part) => part.trim() !== '' && !/[:*?"<>|]/.test(part)) ? given : undefined;
}

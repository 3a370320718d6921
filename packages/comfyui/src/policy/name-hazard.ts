/** What makes a text dangerous where a file is named, as a clause that follows "the name"; undefined when nothing does. */
export function nameHazard(name: string): string | undefined {
  return hazards.find(({ test }) => test(name))?.says;
}

/** What makes a text look like an address or like a way out of a folder, wherever it stands. */
export function pathHazard(text: string): string | undefined {
  return nameHazard(text) ?? (/[/\\]/.test(text) ? 'has a path separator' : undefined);
}

/** A prompt's `embedding:name` loads a file, so its name is held to the rules of file names. */
export function embeddingHazard(text: string): string | undefined {
  for (const [, name = ''] of text.matchAll(/embedding:\s*([^\s,()]*)/gi)) {
    const hazard = nameHazard(name);
    if (hazard !== undefined) return hazard;
  }
  return undefined;
}

/** Control characters have no place even in prose, but for tabs and line ends. */
export function hasControlCharacters(text: string): boolean {
  return /[^\P{Cc}\t\n\r]/u.test(text);
}

const hazards: readonly { says: string; test: (name: string) => boolean }[] = [
  { says: 'has a control character', test: (name) => /\p{Cc}/u.test(name) },
  { says: 'has characters that are not shown', test: (name) => /[\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u.test(name) },
  {
    says: 'names a folder of the server in brackets',
    test: (name) => /\[\s*(input|output|temp)\s*\]/i.test(name.normalize('NFKC')),
  },
  { says: 'has a percent-encoded character', test: (name) => /%[0-9a-f]{2}|%u[0-9a-f]{4}/i.test(name) },
  { says: 'has an escaped character', test: (name) => /\\(x[0-9a-f]{2}|u[0-9a-f]{4})|&#?\w+;/i.test(name) },
  {
    says: 'is an address',
    test: (name) => /^\s*[a-z][a-z0-9+.-]*:(\/\/|\\\\)/i.test(name) || /^\s*(data|file|javascript|blob):/i.test(name),
  },
  { says: 'steps out of its folder (..)', test: (name) => /(^|[/\\])\s*\.{2,}\s*([/\\]|$)/.test(plainDots(name)) },
  { says: 'is an absolute path', test: (name) => /^\s*([/\\~]|[a-z]:)/i.test(plainDots(name)) },
  { says: 'has a backslash', test: (name) => /\\/.test(plainDots(name)) },
];

/** Look-alikes of dots and slashes that a file system or a decoder may fold into the real ones. */
function plainDots(name: string): string {
  return name
    .normalize('NFKC')
    .replace(/[\u2024\ufe52\uff0e\u3002]/g, '.')
    .replace(/[\u2044\u2215\u29f8\uff0f\u2571]/g, '/')
    .replace(/[\u29f5\u29f9\ufe68\uff3c\u2216]/g, '\\');
}

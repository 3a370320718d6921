/** A value from a workflow as a message shows it: in quotes, at most 60 characters, nothing unprintable. */
export function shown(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 59)}…` : text;
  return `"${short.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, '\ufffd')}"`;
}

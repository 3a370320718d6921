/** Finds the value of a widget by what a person calls the node, as text; undefined when there is none. */
export type WidgetLookup = (nodeName: string, widget: string) => string | undefined;

const DATE_PART = /dd?|MM?|yyyy|yy|hh?|mm?|ss?/g;

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

function formatDate(pattern: string, now: Date): string {
  const parts: Record<string, number> = {
    d: now.getDate(),
    M: now.getMonth() + 1,
    h: now.getHours(),
    m: now.getMinutes(),
    s: now.getSeconds(),
  };
  return pattern.replaceAll(DATE_PART, (part) => {
    if (part === 'yyyy') return String(now.getFullYear());
    if (part === 'yy') return String(now.getFullYear()).slice(2);
    return pad(parts[part[0] ?? ''] ?? 0, part.length);
  });
}

/**
 * Fills in what stands between percent signs in the name of a file to save, as the front end does: `%KSampler.seed%` by the
 * value of that widget, `%date:yyyy-MM-dd%` by the time. What cannot be filled in, `%width%` among it, stays.
 *
 * @param now absent: dates stay.
 */
export function replaceText(text: string, lookUp: WidgetLookup, now: Date | undefined): string {
  return text.replaceAll(/%([^%]+)%/g, (whole, inner: string) => {
    const parts = inner.split('.');
    if (parts.length !== 2) {
      return inner.startsWith('date:') && parts.length === 1 && now !== undefined
        ? formatDate(inner.slice(5), now)
        : whole;
    }
    const value = lookUp(parts[0] ?? '', parts[1] ?? '');
    // These signs have a meaning in paths.
    return value === undefined ? whole : value.replaceAll(/[/?<>\\:*|"\p{Cc}]/gu, '_');
  });
}

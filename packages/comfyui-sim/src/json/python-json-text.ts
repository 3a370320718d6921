import type { PyValue } from '@atelier/comfyui/json/python-json';

/** JSON text of a Python value: order of keys, big integers and the difference of `1` and `1.0` kept. */
export function pythonJsonText(value: PyValue): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number')
    return Number.isInteger(value) && !String(value).includes('e') ? `${value}.0` : String(value);
  if (Array.isArray(value)) return `[${value.map(pythonJsonText).join(',')}]`;
  return `{${[...value].map(([key, member]) => `${JSON.stringify(key)}:${pythonJsonText(member)}`).join(',')}}`;
}

/** A word or a duration that YAML 1.2 takes as text without quotes, in a list and a mapping too. */
const PLAIN = /^([a-z][a-z0-9_-]*|\d+(\.\d+)?s)$/i;
const NOT_TEXT = new Set(['true', 'false', 'null', 'yes', 'no', 'on', 'off']);

/** A value in one line of YAML. */
export function yamlFlow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(yamlFlow).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return `{ ${entries.map(([key, item]) => `${key}: ${yamlFlow(item)}`).join(', ')} }`;
  }
  const isPlain = typeof value === 'string' && PLAIN.test(value) && !NOT_TEXT.has(value.toLowerCase());
  return isPlain ? value : JSON.stringify(value);
}

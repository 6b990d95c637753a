/** The rules of a file before they were converted; an empty mapping for what is not a rule. */
export function writtenRules(data: unknown): Readonly<Record<string, unknown>>[] {
  const { rules } = Object(data) as { rules?: unknown };
  return [rules ?? []].flat().map((rule) => Object(rule) as Record<string, unknown>);
}

import type { HopSummary, RouteSummary } from '@fdpass/core/host';

/** The hops of a route, a line or more each, with the routes inside them indented. */
export function hopLines(hops: readonly HopSummary[]): (readonly [name: string, text: string])[] {
  return hops.flatMap((hop, index): (readonly [string, string])[] => [
    ...(hop.reachedThrough === undefined
      ? []
      : [['implied', `${hop.reachedThrough.label}, which connects to ${aimOf(hop, index)}`] as const]),
    [`hop ${index + 1}`, describeHop(hop)],
    ...routeLines(hop).map((line) => ['', line] as const),
  ]);
}

function aimOf({ routes, label }: HopSummary, index: number): string {
  return routes === undefined ? label : `what hop ${index + 1} chooses`;
}

/** A hop and its options in words. */
function describeHop({ label, options, routes = [] }: HopSummary): string {
  const nested = new Set(routes.map(({ at }) => at?.[0]));
  const words = Object.entries(Object(options)).flatMap(([name, value]) =>
    nested.has(name) || (name === 'url' && label.includes(String(value))) ? [] : [`${name} ${describeValue(value)}`],
  );
  return words.length === 0 ? label : `${label}: ${words.join(', ')}`;
}

function describeValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(describeValue).join(' ');
  if (typeof value !== 'object' || value === null) return value === '' ? '""' : String(value);
  const entries = Object.entries(value).map(([key, inner]) => `${key} ${describeValue(inner)}`);
  return `(${entries.join(', ')})`;
}

/** The routes inside a hop, and those inside them. */
function routeLines(hop: HopSummary, indent = '  '): string[] {
  const { routes = [] } = hop;
  return routes.flatMap((route, index) => {
    const name = routes.length === 1 ? 'route' : `route ${index + 1}`;
    const line = `${indent}${name}${besides(route, hop)}: ${route.hops.flatMap(inRow).join(' -> ')}`;
    return [line, ...route.hops.flatMap((inner) => routeLines(inner, `${indent}  `))];
  });
}

function inRow(hop: HopSummary): string[] {
  const implied = hop.reachedThrough === undefined ? [] : [`${hop.reachedThrough.label} (implied)`];
  return [...implied, describeHop(hop)];
}

/** What was written beside a route, such as the delay of a race's. */
function besides({ at = [] }: RouteSummary, { options }: HopSummary): string {
  if (at.length < 2 || typeof at.at(-1) !== 'string') return '';
  const around = at.slice(0, -1).reduce<unknown>((value, key) => Object(value)[key], options);
  const others = Object.entries(Object(around)).filter(([key]) => key !== at.at(-1));
  return others.length === 0 ? '' : ` (${others.map(([key, value]) => `${key} ${describeValue(value)}`).join(', ')})`;
}

import { redactUrl } from '@fdpass/core';

/** How a nested `use` value is called in errors and traces: its names and URLs in travel order; holds no secret. */
export function routeLabel(use: unknown): string {
  if (typeof use === 'string') return redactUrl(use);
  if (Array.isArray(use)) return use.map(routeLabel).join(' -> ');
  if (typeof use !== 'object' || use === null) return String(use);
  return mappingLabel(use as Readonly<Record<string, unknown>>);
}

function mappingLabel(hop: Readonly<Record<string, unknown>>): string {
  const { strategy, url, host } = hop;
  if (typeof strategy !== 'string') return Object.keys(hop)[0] ?? 'nothing';
  if (typeof url === 'string') return `${strategy} ${redactUrl(url)}`;
  return typeof host === 'string' ? `${strategy} ${host}` : strategy;
}

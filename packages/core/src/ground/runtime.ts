/** The runtime of this program, if it is not Node. Bun and Deno claim to be Node too. */
export function otherRuntime(): 'Bun' | 'Deno' | undefined {
  const { bun, deno } = process.versions as NodeJS.Dict<string>;
  if (bun !== undefined) return 'Bun';
  return deno === undefined ? undefined : 'Deno';
}

/** The runtime of this program, if it is not Node. Bun and Deno claim to be Node too. */
export function otherRuntime(): 'Bun' | 'Deno' | undefined {
  const { bun, deno } = process.versions as NodeJS.Dict<string>;
  if (bun !== undefined) return 'Bun';
  return deno === undefined ? undefined : 'Deno';
}

/** The major version of Node, or the one that another runtime claims to be. */
export const NODE_MAJOR: number = Number.parseInt(process.versions.node, 10);

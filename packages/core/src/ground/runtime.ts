/** What runs this program, if that is not Node; both say that they are Node as well. */
export function otherRuntime(): 'Bun' | 'Deno' | undefined {
  const { bun, deno } = process.versions as NodeJS.Dict<string>;
  if (bun !== undefined) return 'Bun';
  return deno === undefined ? undefined : 'Deno';
}

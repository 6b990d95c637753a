/**
 * Imports a file that the user has named, as a plugin is imported: a module that others can write is refused, and one that
 * does not load within five seconds.
 *
 * @param file Absolute.
 * @returns What it exports.
 * @throws FdpassError `config` that says why it cannot be loaded; what the module itself throws.
 */
export async function importFile(file: string): Promise<object> {
  const { importTrusted } = await import('../strategy/plugins.js');
  return importTrusted(file);
}

/** What Node says of a module that it does not run. */
interface NodeError {
  readonly code?: unknown;
  readonly message?: unknown;
}

/** Why a module could not be loaded, as far as Node's own words do not say it, and what to do about it. */
export interface LoadAdvice {
  /** Instead of Node's message. Default: that message. */
  readonly message?: string;
  readonly hint: string;
}

/**
 * Advice on an error of import(), for what authors of plugins run into: TypeScript that this Node does not run, and imports of
 * a package that is not there. Undefined for all else.
 *
 * @param version Of Node, without the `v`.
 */
export function adviceOnLoading(error: unknown, version: string = process.versions.node): LoadAdvice | undefined {
  const { code, message } = Object(error) as NodeError;
  const said = String(message);
  switch (code) {
    case 'ERR_UNKNOWN_FILE_EXTENSION':
      return /"\.[cm]?ts"/.test(said) ? tooOld(said, version) : undefined;
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
      return {
        hint: 'write it without what is more than types: Node only removes those (see "erasableSyntaxOnly" of tsc)',
      };
    case 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING':
      return {
        message: 'it is TypeScript in a package, and Node runs TypeScript outside of node_modules only',
        hint: 'install a package with compiled JavaScript',
      };
    case 'ERR_MODULE_NOT_FOUND':
      return /'@fdpass\/core/.test(said) ? { hint: 'use "import type" for types, and "host" for the rest' } : undefined;
    default:
      return undefined;
  }
}

function tooOld(said: string, version: string): LoadAdvice {
  const [, file] = / for (.*)$/.exec(said) ?? [];
  return {
    message: `${file ?? 'it'} is TypeScript, which Node ${version} cannot run`,
    hint: 'run fdpass with Node 22.18 or later, or compile the file to JavaScript',
  };
}

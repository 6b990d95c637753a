/** What an error of a system call says beside its message and code, as Node's errors have it. */
export interface SystemDetails {
  /** The negative number of the system, or one of Node's. */
  readonly errno?: number;
  /** E.g. `connect`, `getaddrinfo`. */
  readonly syscall?: string;
  /** The address that was tried: the proxy's, if that is what failed. */
  readonly address?: string;
  /** The port that was tried. */
  readonly port?: number;
  /** The name that was looked up. */
  readonly hostname?: string;
}

/** An error of a system call. */
export type SystemError = Error & SystemDetails & { readonly code: string; readonly syscall: string };

const DETAILS: readonly (keyof SystemDetails)[] = ['errno', 'syscall', 'address', 'port', 'hostname'];

/** The system error in `error` or below it; the first of several. Our own errors only copy its details. */
export function systemErrorBelow(error: unknown): SystemError | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('syscall' in error && 'code' in error && !('hint' in error)) return error as SystemError;
  const below: readonly unknown[] = error instanceof AggregateError ? error.errors : [error.cause];
  for (const each of below) {
    const found = systemErrorBelow(each);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The details that an error has. */
export function detailsOf(error: SystemDetails | undefined): SystemDetails {
  if (error === undefined) return {};
  return Object.fromEntries(DETAILS.filter((name) => error[name] !== undefined).map((name) => [name, error[name]]));
}

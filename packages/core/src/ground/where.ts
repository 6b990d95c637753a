/** A place in a config: in a file, or the path to a value of a config that was given in code, which has line 0. */
export interface Where {
  readonly file: string;
  /** From 1; 0 in a config given in code. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** `FILE:LINE:COLUMN`, as editors take it; for a config given in code the path to the value. */
export function formatWhere(where: Where): string {
  return where.line === 0 ? where.file : `${where.file}:${where.line}:${where.column}`;
}

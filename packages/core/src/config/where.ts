/** A place in a config file. */
export interface Where {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** `FILE:LINE:COLUMN`, as editors take it. */
export function formatWhere(where: Where): string {
  return `${where.file}:${where.line}:${where.column}`;
}

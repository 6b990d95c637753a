/** A place in a config: in a file, or the path to a value of a config that was given in code, which has line 0. */
export interface Where {
  readonly file: string;
  /** From 1; 0 in a config given in code. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** Keys and list positions that lead to a value. */
export type ValuePath = readonly (string | number)[];

/** What of a value is meant: itself, its key, or a key that nobody knows, so that its name is not shown. */
export type PlacePart = 'value' | 'key' | 'unknown-key';

/** Finds where a part of a written value is, or its key; if it is absent, the nearest thing around it. */
export type Locate = (path: ValuePath, part?: PlacePart) => Where | Promise<Where>;

/** `FILE:LINE:COLUMN`, as editors take it; for a config given in code the path to the value. */
export function formatWhere(where: Where): string {
  return where.line === 0 ? where.file : `${where.file}:${where.line}:${where.column}`;
}

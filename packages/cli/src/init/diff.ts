import type { Edit } from './plan.js';

/**
 * Edits of a file as a unified diff, with no lines around them: those can hold a password. `hide` shows a removed line.
 *
 * @param path As it is shown.
 * @param isNew Whether there is no such file yet.
 */
export function formatDiff(
  path: string,
  lines: readonly string[],
  edits: readonly Edit[],
  { isNew = false, hide = (line: string): string => line }: { isNew?: boolean; hide?: (line: string) => string } = {},
): string[] {
  if (edits.length === 0) return [];
  let shift = 0;
  const hunks = edits.flatMap((edit) => {
    const removed = lines.slice(edit.index, edit.index + edit.removed);
    const head = `@@ -${range(edit.index, edit.removed)} +${range(edit.index + shift, edit.lines.length)} @@`;
    shift += edit.lines.length - edit.removed;
    return [head, ...removed.map((line) => `-${hide(line)}`), ...edit.lines.map((line) => `+${line}`)];
  });
  return [`--- ${isNew ? '/dev/null' : path}`, `+++ ${path}`, ...hunks];
}

/** Lines count from 1; a hunk without lines is after the line that it names. */
function range(index: number, count: number): string {
  return `${count === 0 ? index : index + 1}${count === 1 ? '' : `,${count}`}`;
}

/** The lines with the edits made; they are in order and do not overlap. */
export function applyEdits(lines: readonly string[], edits: readonly Edit[]): string[] {
  return edits
    .toReversed()
    .reduce((text, { index, removed, lines: added }) => text.toSpliced(index, removed, ...added), [...lines]);
}

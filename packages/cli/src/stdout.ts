import { findSys } from '@fdpass/core/sockets';

const STDOUT = 1;
const STDERR = 2;

/** The descriptor of what the command was started with as stdout. */
let own = STDOUT;

/** Where the command's own output goes, be that a connection or a text. */
export function ownStdout(): number {
  return own;
}

/**
 * Makes descriptor 1 a copy of stderr and keeps the real stdout under another number. A plugin's `console.log`, and what
 * a program that it starts prints, then reaches the user instead of ssh, which expects a descriptor there, or bytes.
 */
export function divertStdout(): void {
  const sys = findSys();
  if (own !== STDOUT || sys === undefined) return;
  own = sys.dup(STDOUT);
  sys.replace(STDOUT, STDERR);
}

/** Makes descriptor 1 what it was at the start. Returns false if that has been closed in the meantime. */
export function restoreStdout(): boolean {
  if (own === STDOUT) return true;
  try {
    findSys()?.replace(STDOUT, own);
    return true;
  } catch {
    return false;
  }
}

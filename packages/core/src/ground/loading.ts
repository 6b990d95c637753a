import { statSync } from 'node:fs';
import { NODE_MAJOR } from './runtime.js';

const STOPS_AT_SOCKETS = NODE_MAJOR < 24;

/**
 * To be called before code of other packages is loaded. The loaders of Node 20 and 22 follow links by fs.realpathSync, which has a
 * fault: if the last file that fs.statSync or the like has looked at is a socket or a pipe, it stops at the first folder that it
 * knows. A package that pnpm has linked does not find what it depends on then.
 */
export function prepareToLoad(): void {
  if (STOPS_AT_SOCKETS) statSync('/');
}

import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { FdpassError } from './errors.js';
import { errnoName, reasonOf } from './system-error.js';

const { O_WRONLY, O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK } = constants;

/**
 * Opens a log to append to. Others cannot read a new one, which names hosts and users. Nothing is waited for: opening a
 * named pipe would wait for its reader.
 *
 * @returns The descriptor of a file or, for those who mean /dev/null or a terminal, of a device.
 * @throws FdpassError `config`; a system error when no descriptor is left, which is not the log's fault.
 */
export function openLog(path: string): number {
  let fd: number | undefined;
  try {
    fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK, 0o600);
    const status = fstatSync(fd);
    if (status.isFile() || status.isCharacterDevice()) return fd;
  } catch (cause) {
    if (['EMFILE', 'ENFILE'].includes(errnoName(cause) ?? '')) throw cause;
    if (errnoName(cause) !== 'ENXIO') throw cannotWrite(path, reasonOf(cause), cause); // a pipe without a reader, or a socket
  }
  if (fd !== undefined) closeSync(fd);
  throw cannotWrite(path, 'it is not a file');
}

function cannotWrite(path: string, why: string, cause?: unknown): FdpassError {
  return new FdpassError('config', `cannot write the log ${path}: ${why}`, { hint: 'choose another file', cause });
}

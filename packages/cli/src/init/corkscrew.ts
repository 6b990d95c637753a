import { FdpassError } from '@fdpass/core';
import { expandPath, readTrustedFile } from '@fdpass/core/host';
import { type Converter, proxyAddress, requireTarget, userAndPassword } from './conversion.js';

/** corkscrew(1): `corkscrew PROXY PORT %h %p [FILE]`; the file has `USER:PASSWORD`. */
export const corkscrew: Converter = ([proxy = '', port = '', host = '', hostPort = '', file, ...extra]) => {
  requireTarget([host, hostPort]);
  if (extra.length > 0) throw new FdpassError('config', 'it has more than five arguments');
  const url = `http://${proxyAddress(`${proxy}:${port}`, 0)}`;
  if (file === undefined) return { hops: [{ url }] };
  const [line = ''] = readTrustedFile(expandPath(file, '/')).split('\n');
  return { hops: [{ url, ...userAndPassword(line.trimEnd()) }] };
};

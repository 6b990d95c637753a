import { expect } from 'chai';
import { unixPath } from './target.js';

describe('targets that are unix sockets', () => {
  const table: readonly (readonly [host: string, path: string | undefined])[] = [
    ['unix/run/tor/socks', '/run/tor/socks'],
    ['unix//run/tor/socks', '/run/tor/socks'],
    ['unix%/run/tor/socks', '/run/tor/socks'],
    ['unix%run/x', '/run/x'],
    ['unix/@abstract', '@abstract'],
    ['unix', undefined],
    ['unix/', undefined],
    ['unix.example', undefined],
    ['vsock/3', undefined],
  ];
  for (const [host, path] of table) it(`${host}: ${path ?? 'none'}`, () => expect(unixPath(host)).to.equal(path));
});

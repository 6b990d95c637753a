import { expect } from 'chai';
import { type TargetKind, targetKind, unixPath } from './target.js';

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

describe('the kind of a target', () => {
  const table: readonly (readonly [host: string, kind: TargetKind])[] = [
    ['host.example', 'host'],
    ['fe80::1%eth0', 'host'],
    ['unix.example', 'host'],
    ['unix/run/x', 'unix'],
    ['unix%run/x', 'unix'],
    ['vsock/3', 'vsock'],
    ['vsock%3', 'vsock'],
    ['vsock-mux/run/x', 'vsock'],
    ['machine/web', 'machine'],
    ['.host', 'machine'],
    ['a/b', 'host'],
  ];
  for (const [host, kind] of table) it(`${host}: ${kind}`, () => expect(targetKind(host)).to.equal(kind));
});

import { requireLab, runInLab } from '@fdpass/test-lab';
import { expect } from 'chai';

const LAB = { addresses: ['fe80::aa:1'], hosts: { 'printer.example': ['fe80::aa:1'] } };

/** Opens each address with koffi or without, and prints what comes of it. */
const SCRIPT = `
import { once } from 'node:events';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
const { openConnection } = await import(process.argv[1]);
const server = createServer((socket) => socket.end()).listen(0, '::');
await once(server, 'listening');
const { port } = server.address();
const number = networkInterfaces().lab0.find(({ address }) => address === 'fe80::aa:1').scopeid;
const results = [];
for (const host of ['fe80::aa:1%lab0', 'fe80::aa:1%' + number, 'fe80::aa:1', 'fe80::aa:1%nonesuch', 'fe80::aa:1%4711']) {
  const opening = openConnection({ family: 6, host, port }, {}, { signal: new AbortController().signal });
  results.push(await opening.then((connection) => connection.destroy() ?? 'connected', (error) => error.code + ': ' + error.message + '; ' + error.hint));
}
console.log(JSON.stringify(results));
process.exit();
`;

describe('link-local addresses', () => {
  const core = new URL('open.js', import.meta.url).href;

  for (const [how, options] of [
    ['by system calls', []],
    ['by Node, where there are no native modules', ['--no-addons']],
  ] as const) {
    it(`are reached ${how}, and an interface that is missing is named`, async function () {
      requireLab(this);
      const words = [...options, '--input-type=module', '-e', SCRIPT, core];
      const { stdout, stderr } = await runInLab(LAB, [process.execPath, ...words]);
      const [byName, byNumber, none, noName, noNumber]: readonly string[] = JSON.parse(
        stdout || JSON.stringify([stderr]),
      );
      expect([byName, byNumber]).to.deep.equal(['connected', 'connected']);
      expect(none).to.equal(
        'unreachable: fe80::aa:1 is a link-local address, and its interface is missing; write fe80::aa:1%lab0, with the interface that leads to it',
      );
      expect(noName).to.equal('config: there is no interface "nonesuch"; undefined');
      expect(noNumber).to.equal('config: there is no interface "4711"; undefined');
    });
  }
});

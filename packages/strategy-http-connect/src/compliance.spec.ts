import { readFileSync } from 'node:fs';
import { temporaryFolder } from '@fdpass/test-lab';
import { describeStrategy, startHttpProxy } from '@fdpass/testkit';
import { httpConnect } from './http-connect.js';
import { Certificates } from './tls-proxy.spec.helper.js';

const PASSWORD = 'hunter2/@:';

describeStrategy({
  strategy: httpConnect,
  async start() {
    const proxy = await startHttpProxy();
    return { options: { url: `http://127.0.0.1:${proxy.port}` }, close: () => proxy.close() };
  },
});

describeStrategy({
  strategy: httpConnect,
  title: 'with a password',
  secrets: [PASSWORD, encodeURIComponent(PASSWORD), Buffer.from(`me:${PASSWORD}`).toString('base64')],
  async start() {
    const proxy = await startHttpProxy({ credentials: `me:${PASSWORD}` });
    const url = `http://me:${encodeURIComponent(PASSWORD)}@127.0.0.1:${proxy.port}`;
    return { options: { url }, close: () => proxy.close() };
  },
});

describeStrategy({
  strategy: httpConnect,
  title: 'over TLS',
  relayed: true,
  noHalfClose: true, // this proxy's; TLS could
  async start() {
    const folder = temporaryFolder();
    const certificates = new Certificates(folder.path);
    const read = (name: string): string => readFileSync(certificates.file(name), 'utf8');
    const proxy = await startHttpProxy({ tls: { cert: read('proxy.pem'), key: read('proxy.key') } });
    return {
      options: { url: `https://127.0.0.1:${proxy.port}`, tls: { ca: certificates.file('ca.pem') } },
      async close() {
        await proxy.close();
        folder.remove();
      },
    };
  },
});

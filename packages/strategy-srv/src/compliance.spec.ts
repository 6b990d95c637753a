import { DnsServer } from '@fdpass/test-lab';
import { describeStrategy } from '@fdpass/testkit';
import { srv } from './srv.js';

describeStrategy({
  strategy: srv,
  async start({ port }) {
    const names = await DnsServer.start();
    names.answers.set('_ssh._tcp.served.example', [{ priority: 0, weight: 0, port, target: '127.0.0.1' }]);
    return {
      options: { servers: [names.address] },
      target: { host: 'served.example', port: 22 },
      close: () => names.close(),
    };
  },
});

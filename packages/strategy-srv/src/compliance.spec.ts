import { describeStrategy } from '@fdpass/testkit';
import { createSrv } from './srv.js';

describeStrategy({
  strategy: createSrv({
    // The name says where the record leads.
    resolverOf: () => async (name) => {
      const [, port] = /\.at-(\d+)\.example$/.exec(name) ?? [];
      return [{ name: '127.0.0.1', port: Number(port), priority: 0, weight: 0 }];
    },
  }),
  start: ({ port }) => ({ options: {}, target: { host: `at-${port}.example`, port: 22 } }),
});

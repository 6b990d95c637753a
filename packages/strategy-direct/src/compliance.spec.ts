import { describeStrategy } from '@fdpass/testkit';
import { direct } from './direct.js';

describeStrategy({ strategy: direct });
describeStrategy({
  strategy: direct,
  title: 'with options that need a socket of our own making',
  start: () => ({ options: { noDelay: true, keepAlive: { idle: '30s', count: 3 }, bindAddress: '127.0.0.1' } }),
});

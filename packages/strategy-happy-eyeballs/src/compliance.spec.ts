import { describeStrategy } from '@fdpass/testkit';
import { happyEyeballs } from './happy-eyeballs.js';

describeStrategy({ strategy: happyEyeballs });
describeStrategy({
  strategy: happyEyeballs,
  title: 'by name',
  start: ({ port }) => ({ options: { family: 4 }, target: { host: 'localhost', port } }),
});

import { describeStrategy } from '@fdpass/testkit';
import { wake } from './wake.js';

/** Nothing listens to UDP there, and nobody minds. */
const PACKET = { mac: '00:11:22:33:44:55', broadcast: '127.255.255.255' };

describeStrategy({ strategy: wake, title: 'by magic packets', start: () => ({ options: PACKET }) });
describeStrategy({ strategy: wake, title: 'by a program', start: () => ({ options: { command: ['true'] } }) });
describeStrategy({
  strategy: wake,
  title: 'that is not waited for',
  start: () => ({ options: { ...PACKET, within: '1ms' } }),
});

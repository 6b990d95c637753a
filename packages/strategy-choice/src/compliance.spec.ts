import { describeStrategy } from '@fdpass/testkit';
import { firstOf } from './first-of.js';
import { hosts } from './hosts.js';
import { race } from './race.js';

const ROUTES = ['one', 'another'];

describeStrategy({ strategy: firstOf, start: () => ({ options: { routes: ROUTES } }) });
describeStrategy({ strategy: race, start: () => ({ options: { routes: ROUTES } }) });
describeStrategy({
  strategy: race,
  title: 'that starts both at once',
  start: () => ({ options: { routes: ROUTES, stagger: '0s' } }),
});
describeStrategy({ strategy: hosts, start: () => ({ options: { hosts: ['127.0.0.1', 'localhost'] } }) });

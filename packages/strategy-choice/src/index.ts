export { type FirstOfOptions, firstOf } from './first-of.js';
export { type HostsOptions, hosts } from './hosts.js';
export { type RaceOptions, race } from './race.js';

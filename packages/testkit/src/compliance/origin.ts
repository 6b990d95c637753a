import { createServer } from 'node:net';
import { listening } from '../listening.js';
import type { Place } from './subject.js';

/** Where tunnels lead: greets (or not) whoever connects, and sends back what it gets until that ends. */
export interface Origin {
  /** What it says first; empty for nothing. */
  banner: string;
  /** Where it listens. */
  readonly place: Place;
  /** Cuts everything. */
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1; the caller closes it. */
export async function openOrigin(): Promise<Origin> {
  const origin = { banner: '' };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (origin.banner !== '') client.write(origin.banner);
    client.pipe(client);
  });
  const { port, close } = await listening(server);
  return Object.assign(origin, { place: { host: '127.0.0.1', port }, close });
}

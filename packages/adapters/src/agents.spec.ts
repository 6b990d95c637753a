import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expectDescriptorsBack, temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { httpAgent, httpsAgent, type SocketDialer, undiciConnector, webAgent } from './index.js';

describe('agents and connectors', () => {
  const folder = temporaryFolder();
  let silent: Server;
  let accepted: Socket[];
  let dialled: Socket[];
  before(async () => {
    silent = createServer((socket) => accepted.push(socket.on('error', () => {}).resume()));
    await once(silent.listen(0, '127.0.0.1'), 'listening');
  });
  beforeEach(() => {
    [accepted, dialled] = [[], []];
  });
  afterEach(() => {
    for (const socket of accepted) socket.destroy();
  });
  expectDescriptorsBack();
  after(() => {
    silent.close();
    folder.remove();
  });

  /** Every host leads to a server that accepts and says nothing. */
  const dialer: SocketDialer = {
    async dial() {
      const socket = connect((silent.address() as AddressInfo).port, '127.0.0.1');
      dialled.push(socket);
      await once(socket, 'connect');
      return socket;
    },
  };
  const closed = async (): Promise<void> => {
    const [socket] = dialled;
    if (socket?.closed === false) await once(socket, 'close');
    expect(dialled).to.have.length(1);
  };

  const AGENTS = { httpAgent, webAgent };
  for (const [name, makeAgent] of Object.entries(AGENTS)) {
    it(`${name} leaves requests to a unix socket as they are`, async () => {
      const path = join(folder.path, name);
      const server = http.createServer((_, response) => void response.end('by the socket'));
      await once(server.listen(path), 'listening');
      const agent = makeAgent(dialer);
      const [answer] = await once(http.get({ socketPath: path, port: 1, agent }), 'response');
      expect([await text(answer), dialled.length]).to.deep.equal(['by the socket', 0]);
      agent.destroy();
      server.close();
    });
  }

  it('httpsAgent fails the request whose options TLS refuses, and closes the connection', async () => {
    const agent = httpsAgent(dialer);
    const request = https.get({ host: 'host.example', ciphers: 'nonsense', agent });
    const [error] = await once(request, 'error');
    expect(error)
      .to.have.property('message')
      .that.matches(/no cipher match/i);
    await closed();
    agent.destroy();
  });

  const ask = (options: Parameters<typeof undiciConnector>[1]): Promise<Error | null> =>
    new Promise((resolve) => {
      undiciConnector(dialer, options)({ hostname: 'host.example', protocol: 'https:', port: '' }, (...[error]) =>
        resolve(error),
      );
    });

  it('undiciConnector closes the connection if TLS refuses its options', async () => {
    expect((await ask({ tls: { ciphers: 'nonsense' } }))?.message).to.match(/no cipher match/i);
    await closed();
  });

  it('undiciConnector gives a server so long for the TLS handshake', async () => {
    const error = await ask({ handshakeTimeout: 20 });
    expect(error).to.have.property('code', 'ETIMEDOUT');
    expect(error?.message).to.equal('host.example did not answer the TLS handshake within 20 ms');
    await closed();
  });
});

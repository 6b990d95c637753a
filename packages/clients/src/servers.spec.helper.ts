import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net, { type AddressInfo, type Server } from 'node:net';
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { Aedes } from 'aedes';
import mysql from 'mysql2';
import { SMTPServer } from 'smtp-server';
import { WebSocketServer } from 'ws';
import { answerMongo } from './mongo.spec.helper.js';

const HOST = '127.0.0.1';

/** A server on a free port of 127.0.0.1. */
export interface Started {
  readonly port: number;
  close(): void;
}

async function listening(server: Server, close: () => void = () => server.close()): Promise<Started> {
  await once(server.listen(0, HOST), 'listening');
  return { port: (server.address() as AddressInfo).port, close };
}

/** Answers requests with their path, and WebSocket messages with themselves. */
export function startWeb(): Promise<Started> {
  const server = http.createServer((request, response) => response.end(request.url));
  new WebSocketServer({ server }).on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  return listening(server, () => {
    server.closeAllConnections();
    server.close();
  });
}

/** The same for HTTP/2. */
export function startWeb2(): Promise<Started> {
  return listening(http2.createServer((request, response) => void response.end(request.url)));
}

/** Says what it is told. */
export async function startGrpc(): Promise<Started> {
  const server = new GrpcServer();
  const asText = { to: (value: string) => Buffer.from(value), from: String };
  const say = {
    ...{ path: '/echo.Echo/Say', requestStream: false, responseStream: false },
    ...{ requestSerialize: asText.to, requestDeserialize: asText.from },
    ...{ responseSerialize: asText.to, responseDeserialize: asText.from },
  };
  server.addService(
    { say },
    { say: (call: { request: string }, done: (error: null, answer: string) => void) => done(null, call.request) },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${HOST}:0`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { port, close: () => server.forceShutdown() };
}

/** mysql2 has a server of its own. It answers every query with 42. */
export function startMysql(): Promise<Started> {
  const server = mysql.createServer((connection) => {
    const answering = connection as unknown as MysqlServerConnection;
    answering.serverHandshake({
      ...{ protocolVersion: 10, serverVersion: '8.0.0', connectionId: 1, statusFlags: 2, characterSet: 8 },
      capabilityFlags: 0xff_ff_ff,
      authCallback(_login: object, done: (error: null, refusal: null) => void) {
        done(null, null);
        answering.sequenceId = 0;
      },
    });
    answering.on('query', () => {
      answering.sequenceId = 1; // each question begins anew, which mysql2 leaves to the server
      answering.writeTextResult([{ answer: 42 }], [ANSWER_COLUMN]);
      answering.sequenceId = 0;
    });
    answering.on('error', () => {});
  });
  return listening((server as unknown as { readonly _server: Server })._server);
}

/** What the types of mysql2 leave out. */
interface MysqlServerConnection {
  sequenceId: number;
  serverHandshake(options: object): void;
  writeTextResult(rows: readonly object[], columns: readonly object[]): void;
  on(event: string, listener: () => void): void;
}

const ANSWER_COLUMN = {
  ...{ catalog: 'def', schema: '', table: '', orgTable: '', name: 'answer', orgName: 'answer' },
  ...{ characterSet: 63, columnLength: 11, columnType: 3, flags: 0, decimals: 0 },
};

/** A server of MongoDB as far as its driver's greeting and `ping` go. */
export function startMongo(): Promise<Started> {
  return listening(net.createServer((socket) => answerMongo(socket)));
}

/** Takes every message. */
export async function startMail(): Promise<Started> {
  const mail = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData: (stream, _session, done) => void stream.resume().once('end', () => done()),
  });
  const server = mail.listen(0, HOST) as unknown as Server;
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => mail.close(() => {}) };
}

/** A broker of MQTT. */
export async function startMqtt(): Promise<Started> {
  const broker = await Aedes.createBroker();
  const server = net.createServer(broker.handle);
  return listening(server, () => {
    broker.close();
    server.close();
  });
}

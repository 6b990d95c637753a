import assert from 'node:assert/strict';
import type { FdpassError } from '@fdpass/core';
import { contextOf, networkChain, testHost } from '@fdpass/testkit';
import { type Gateway, startGateway } from './gateway.spec.helper.js';
import { strategy } from './strategy.js';
import { encodeRequest, missingOfReply, refusalIn } from './wire.js';

describe('the wire format', () => {
  it('asks with one line', () => {
    assert.equal(String(encodeRequest('host.example', 22)), 'CONNECT host.example 22\n');
  });

  it('reads no byte beyond the newline', () => {
    assert.equal(missingOfReply(Buffer.from('')), 1);
    assert.equal(missingOfReply(Buffer.from('OK')), 1);
    assert.equal(missingOfReply(Buffer.from('OK\n')), 0);
  });

  it('recognises a refusal', () => {
    assert.equal(refusalIn(Buffer.from('OK\n')), undefined);
    assert.equal(refusalIn(Buffer.from('ERR not today\n')), 'not today');
    assert.throws(() => refusalIn(Buffer.from('HTTP/1.1 400 Bad Request\n')));
  });
});

describe('the strategy', () => {
  let gateway: Gateway;
  before(async () => {
    gateway = await startGateway();
  });
  after(() => gateway.close());

  it('reports a refusal and its reason', async () => {
    const options = { gateway: `127.0.0.1:${gateway.port}` };
    const dialer = await strategy.create(options, testHost({ forward: networkChain }));
    const error = await dialer.dial({ host: 'forbidden.example', port: 22 }, contextOf()).then(
      () => assert.fail('was not refused'),
      (reason: FdpassError) => reason,
    );
    assert.equal(error.code, 'unreachable');
    assert.match(error.message, /refused: "not for you"/);
  });
});

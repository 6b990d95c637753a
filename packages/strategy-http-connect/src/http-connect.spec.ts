import type { Dialer } from '@fdpass/core';
import { testHost } from '@fdpass/testkit';
import { expect } from 'chai';
import * as v from 'valibot';
import { httpConnect } from './http-connect.js';
import { type HttpConnectOptions, httpConnectOptions } from './options.js';
import { HOST } from './proxy.spec.helper.js';

const TARGET = { host: 'host.example', port: 22 };

describe('an http-connect hop', () => {
  function create(options: HttpConnectOptions, needsRelayBefore = false): Dialer {
    const forward = { ...HOST.forward, needsRelay: () => needsRelayBefore };
    return httpConnect.create(options, testHost({ forward })) as Dialer;
  }

  it('needs a relay for TLS to the proxy, or where the hops before do', () => {
    const needsRelay = (url: string, before: boolean): boolean | undefined =>
      create({ url }, before).needsRelay?.(TARGET);
    expect(needsRelay('http://proxy.example', false)).to.equal(false);
    expect(needsRelay('https://proxy.example', false)).to.equal(true);
    expect(needsRelay('http://proxy.example', true)).to.equal(true);
  });

  it('rejects, and does not throw, for a host that no HTTP proxy could reach', async () => {
    const dialer = create({ url: 'http://proxy.example' });
    const context = { signal: new AbortController().signal, trace: () => {} };
    const dialling = dialer.dial({ host: 'unix/run/x', port: 22 }, context);
    const error = await dialling.catch((failure: unknown) => failure);
    expect(error).to.have.property('code', 'config');
  });

  it('is refused before any dial if its options cannot work', () => {
    const url = 'http://proxy.example';
    expect(() => create({ url, headers: { 'a b': 'c' } })).to.throw(/is not a header name/);
    expect(() => create({ url, headers: { a: 'b\r\nc' } })).to.throw(/has a line break/);
    expect(() => create({ url, tls: {} })).to.throw(/needs an https:\/\/ URL/);
  });

  for (const name of ['__proto__', 'prototype', 'constructor']) {
    it(`is refused with a header called ${name}, which would be missing without a word`, () => {
      const headers: unknown = JSON.parse(`{ "a": "b", ${JSON.stringify(name)}: "c" }`);
      const { issues = [] } = v.safeParse(httpConnectOptions, { url: 'http://proxy.example', headers });
      expect(issues.map(({ message }) => message)).to.deep.equal([
        'a header cannot be called __proto__, prototype or constructor',
      ]);
    });
  }
});

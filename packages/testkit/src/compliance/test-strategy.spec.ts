import { FdpassError, isFdpassError, type Strategy, type Target } from '@fdpass/core';
import { expect } from 'chai';
import { CHECK_NAMES } from './all-checks.js';
import { type CheckResult, testStrategy } from './test-strategy.js';

/** Adds nothing to the connection that it is given. */
const plain: Strategy = {
  name: 'plain',
  create: (_, host) => ({ dial: (target, context) => host.forward.dial(target, context) }),
};

async function resultsOf(subject: Parameters<typeof testStrategy>[0]): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for await (const result of testStrategy(subject)) results.push(result);
  return results;
}

describe('testStrategy', () => {
  it('yields the results of the checks of mocha, in their order, and leaves out what it is told to', async () => {
    const skip = { 'works over a unix socket': 'there are none' };
    const results = await resultsOf({ strategy: plain, skip });
    const notAsked = ['refuses invalid options, with a message', 'shows no secret'];
    expect(results.map(({ name }) => name)).to.deep.equal(CHECK_NAMES.filter((name) => !notAsked.includes(name)));
    expect(results.filter(({ outcome }) => outcome !== 'passed')).to.deep.equal([
      { name: 'works over a unix socket', outcome: 'skipped', reason: 'there are none' },
    ]);
  });

  it('fails the check during which an error is thrown that nobody catches, and goes on', async () => {
    let dials = 0;
    const listeners = process.listeners('uncaughtException');
    const stray: Strategy = {
      name: 'stray',
      create: (_, host) => ({
        dial(target, context) {
          if (++dials === 2)
            setImmediate(() => {
              throw new Error('lost');
            }); // the first one is the trial
          return host.forward.dial(target, context);
        },
      }),
    };
    const results = await resultsOf({ strategy: stray });
    const failed = results.filter(({ outcome }) => outcome === 'failed');
    expect(failed).to.have.lengthOf(1);
    expect(failed[0]?.reason).to.equal('an error that nobody catches: lost; await or catch what can fail');
    expect(process.listeners('uncaughtException')).to.deep.equal(listeners);
  });

  it('throws the error of a plain dial that does not succeed, as a user would see it', async () => {
    const refusal = new FdpassError('permission', 'not you');
    const dialers: readonly (readonly [dialer: unknown, error: string])[] = [
      [{ dial: () => Promise.reject(refusal) }, 'permission: not you'],
      [{ dial: async () => undefined }, 'internal: the strategy gave no connection'],
      [7, 'config: the strategy returned no dialer from create()'],
      [{ dial: (target: Target) => nothing(target) }, 'internal: the strategy failed: no target'],
    ];
    const nothing = (target: Target): never => {
      throw new Error(`no ${typeof target === 'object' ? 'target' : 'object'}`);
    };
    for (const [dialer, expected] of dialers) {
      const strategy = { name: 'wrong', create: () => dialer } as unknown as Strategy;
      const error = await resultsOf({ strategy }).catch((reason: unknown) => reason);
      expect(isFdpassError(error) && `${error.code}: ${error.message}`).to.equal(expected);
    }
  });

  it('says what a schema threw, and for what', async () => {
    const careless: Strategy = {
      ...plain,
      optionsSchema: {
        '~standard': {
          version: 1,
          vendor: 'careless',
          validate: (options) => ({ value: (options as { constructor: unknown }).constructor }),
        },
      },
    };
    const failed = (await resultsOf({ strategy: careless })).filter(({ outcome }) => outcome === 'failed');
    expect(failed.map(({ reason }) => reason)).to.deep.equal([
      "the schema threw for null: Cannot read properties of null (reading 'constructor'); return { issues } for what it refuses",
    ]);
  });

  it('takes what the dialer says of relays for what it is', async () => {
    const pretending: Strategy = {
      name: 'pretending',
      create: (_, host) => ({ dial: (target, context) => host.forward.dial(target, context), needsRelay: () => true }),
    };
    const failed = (await resultsOf({ strategy: pretending })).filter(({ outcome }) => outcome === 'failed');
    expect(failed.map(({ reason }) => reason)).to.deep.equal([
      'its descriptor could be handed over; leave out needsRelay(), and "relayed" in the test',
    ]);
  });
});

import { expect } from 'chai';
import { describeNetwork } from './network.js';

describe('the network that this machine is in', () => {
  it('is told from others by the addresses of this machine', () => {
    expect(describeNetwork())
      .to.equal(describeNetwork())
      .and.match(/127\.0\.0\.1/);
  });
});

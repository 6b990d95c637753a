import { expect } from 'chai';
import { parseEnvironment } from './request.js';

describe('the variables of a client', () => {
  it('can have any name, and any value', () => {
    const environment = parseEnvironment(['A=1', 'B=', 'C', 'D=x=y', '__proto__=p', 'constructor=c']);
    expect(Object.entries(environment)).to.deep.equal([
      ['A', '1'],
      ['B', ''],
      ['C', ''],
      ['D', 'x=y'],
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ]);
    expect(environment['toString']).to.equal(undefined);
  });
});

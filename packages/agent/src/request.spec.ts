import { encodeMuxPacket, MuxFieldReader } from '@fdpass/core/sockets';
import { expect } from 'chai';
import { type Environment, Environments, parseEnvironment } from './request.js';

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

  describe('that are read again', () => {
    const environments = new Environments();

    function read(...variables: readonly string[]): Environment {
      const fields = new MuxFieldReader(encodeMuxPacket(1, ...variables).subarray(4));
      fields.uint32();
      return environments.read(fields);
    }

    it('are the same object if they are the same', () => {
      const first = read('A=1', 'B=2');
      expect(first).to.deep.equal(parseEnvironment(['A=1', 'B=2']));
      expect(read('A=1', 'B=2')).to.equal(first);
    });

    it('are another one if anything differs', () => {
      read('A=1', 'B=2');
      for (const others of [['A=1'], ['A=1', 'B=3'], ['A=1', 'B=2', 'C='], ['B=2', 'A=1'], ['A=1B=2'], []])
        expect(read(...others)).to.deep.equal(parseEnvironment(others));
    });

    it('do not change with the memory that they came in', () => {
      const packet = encodeMuxPacket(1, 'A=1').subarray(8);
      environments.read(new MuxFieldReader(packet));
      packet.write('A=2', 4);
      expect(environments.read(new MuxFieldReader(packet))).to.deep.equal(parseEnvironment(['A=2']));
    });

    it('cannot be changed, since another client may get them', () => {
      expect(Object.isFrozen(read('A=1'))).to.equal(true);
    });

    it('are not kept if they are large', () => {
      const large = `LARGE=${'x'.repeat(64 * 1024)}`;
      const [first, second] = [read(large), read(large)];
      expect(second).to.deep.equal(first);
      expect(second === first).to.equal(false);
    });

    it('are forgotten when there were many others', () => {
      const first = read('FIRST=1');
      for (let other = 0; other < 16; other++) read(`OTHER=${other}`);
      const again = read('FIRST=1');
      expect(again).to.deep.equal(first);
      expect(again === first).to.equal(false);
    });
  });
});

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { DescriptorRoom, enlargeTable } from './fd-room.js';

describe('room for descriptors', () => {
  it('is made when half of it is taken, once', () => {
    const sizes: number[] = [];
    const room = new DescriptorRoom((size) => sizes.push(size));
    const after = (...opened: number[]): number[] => {
      for (const fd of opened) room.opened(fd);
      return sizes.splice(0);
    };
    expect(after(3, 31)).to.deep.equal([]);
    expect(after(32)).to.deep.equal([512]);
    expect(after(33, 255, 20)).to.deep.equal([]);
    expect(after(256, 257)).to.deep.equal([4096]);
    expect(after(40_000)).to.deep.equal([262_144]); // the program has opened many itself
  });

  it('is made by copying nothing, less and less in case there is a limit, one after the other', () => {
    const calls: [from: number, to: number, done: () => void][] = [];
    enlargeTable(512, (...call) => calls.push(call));
    for (let index = 0; index < calls.length; index++) {
      expect(calls.length).to.equal(index + 1);
      calls[index]?.[2]();
    }
    expect(calls.map(([from, to]) => [from, to])).to.deep.equal([
      [-1, 511],
      [-1, 255],
      [-1, 127],
      [-1, 64],
    ]);
  });

  it('is made by Linux, which opens and closes nothing for it', function () {
    if (process.platform !== 'linux') this.skip();
    const program = `
      import { readdirSync, readFileSync } from 'node:fs';
      import { setTimeout as pause } from 'node:timers/promises';
      import { loadSys } from ${JSON.stringify(join(import.meta.dirname, 'koffi.js'))};
      const tableSize = () => Number(/^FDSize:\\s*(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
      const open = () => readdirSync('/proc/self/fd').length;
      const sys = loadSys();
      const before = open();
      const sockets = Array.from({ length: 260 }, () => sys.socket(1, 1, 0));
      while (tableSize() < 1024) await pause(1); // its own sockets need 512
      console.log(open() - before - sockets.length);`;
    const args = ['--input-type=module', '-e', program];
    expect(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 })).to.equal('0\n');
  });
});

import { chmodSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectNoDescriptorLeft, openDescriptors, temporaryFolder } from '@fdpass/test-lab';
import { contextOf, firstLine, testHost } from '@fdpass/testkit';
import { expect } from 'chai';
import { command, jump } from './index.js';

/** Stands for ssh or a command: its log gets where it runs and its arguments, its stdout one line. */
const PROGRAM = '#!/bin/sh\nprintf "%s\\n" "$PWD" "$@" >&2\necho ready\nexec cat\n';

describe('paths of a config, for the programs that a hop runs:', () => {
  const home = temporaryFolder();
  const folder = temporaryFolder();
  const ownHome = process.env['HOME'];
  let descriptors: readonly string[];

  before(() => {
    process.env['HOME'] = home.path;
    for (const { path } of [home, folder]) {
      writeFileSync(join(path, 'program'), PROGRAM);
      chmodSync(join(path, 'program'), 0o700);
    }
  });
  after(() => {
    if (ownHome === undefined) delete process.env['HOME'];
    else process.env['HOME'] = ownHome;
    for (const each of [home, folder]) each.remove();
  });
  beforeEach(() => {
    descriptors = openDescriptors();
  });
  afterEach(() => expectNoDescriptorLeft(descriptors));

  const host = (): ReturnType<typeof testHost> => testHost({ baseDir: folder.path });
  const target = { host: 'host.example', port: 22 };

  /** What the program has written into its log: its folder, then its arguments. */
  async function run(dialer: Awaited<ReturnType<typeof jump.create>>, log: string): Promise<string[]> {
    expect(await firstLine(await dialer.dial(target, contextOf()))).to.equal('ready\n');
    return readFileSync(log, 'utf8').trim().split('\n');
  }

  const places = [
    ['relative ones start at its folder', './program', 'jump_config', 'relative.log', folder],
    ['~/ is the home folder', '~/program', '~/jump_config', '~/home.log', home],
  ] as const;
  for (const [what, program, config, log, place] of places) {
    const logged = (): string => join(place.path, log.replace('~/', ''));

    it(`${what} (jump: ssh, sshOptions, log)`, async () => {
      const dialer = await jump.create({ ssh: program, hosts: ['bastion'], sshOptions: ['-F', config], log }, host());
      const [runsIn, option, given] = await run(dialer, logged());
      expect([runsIn, option]).to.deep.equal([realpathSync(folder.path), '-F']);
      // What is relative stays so: the program runs in the folder.
      expect(given).to.equal(config.startsWith('~/') ? join(home.path, 'jump_config') : config);
    });

    it(`${what} (command: program, log)`, async () => {
      const dialer = await command.create({ command: [program, '%h'], log: `${log}2` }, host());
      expect(await run(dialer, `${logged()}2`)).to.deep.equal([realpathSync(folder.path), 'host.example']);
    });
  }

  it('an argument of a command is not a path', async () => {
    const log = join(folder.path, 'argument.log');
    const dialer = await command.create({ command: ['./program', '~/x'], log }, host());
    expect((await run(dialer, log))[1]).to.equal('~/x');
  });
});

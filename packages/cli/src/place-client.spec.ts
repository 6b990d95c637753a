import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { placeClient } from './place-client.js';

const DAY_MS = 24 * 60 * 60_000;

describe('the compiled client of the agent', () => {
  const folder = temporaryFolder();
  const programs = join(folder.path, 'programs');
  const beside = join(folder.path, 'run');
  const socket = join(beside, 'agent.sock');

  before(function () {
    if (process.platform !== 'linux') this.skip();
    mkdirSync(programs);
  });
  afterEach(() => rmSync(beside, { recursive: true, force: true }));
  after(() => folder.remove());

  /** Writes the program that is to be placed, by default one that does what ask-agent does in its trial. Returns its text. */
  function program(text = '#!/bin/sh\nexit 64\n'): string {
    writeFileSync(join(programs, `ask-agent-${process.arch}`), text);
    return text;
  }

  const name = (): string => `ask-agent-${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}`;

  it('is put beside the socket, for the user alone, under the name that the launcher looks for', () => {
    const text = program();
    expect(placeClient(socket, programs)).to.equal(true);
    expect(readdirSync(beside)).to.deep.equal([name()]);
    expect(readFileSync(join(beside, name()), 'utf8')).to.equal(text);
    expect(statSync(join(beside, name())).mode & 0o777).to.equal(0o700);
  });

  it('replaces that of the agent before, which a launcher can be about to run', () => {
    program();
    placeClient(socket, programs);
    const { ino } = statSync(join(beside, name()));
    const text = program('#!/bin/sh\n# newer\nexit 64\n');
    expect(placeClient(socket, programs)).to.equal(true);
    expect(readFileSync(join(beside, name()), 'utf8')).to.equal(text);
    expect(statSync(join(beside, name())).ino).to.not.equal(ino);
  });

  const unfit: Readonly<Record<string, string>> = {
    'it fails': '#!/bin/sh\nexit 1\n',
    'it ends by a signal': '#!/bin/sh\nkill -ILL $$\n',
    'the kernel cannot run it': '\x7fELF\x02\x01\x01',
  };
  for (const [why, text] of Object.entries(unfit)) {
    it(`is left out if ${why}, and leaves nothing behind`, () => {
      program(text);
      expect(placeClient(socket, programs)).to.equal(false);
      expect(readdirSync(beside)).to.deep.equal([]);
    });
  }

  it('is left out if there is none for the processor', () => {
    expect(placeClient(socket, join(folder.path, 'none'))).to.equal(false);
    expect(readdirSync(beside)).to.deep.equal([]);
  });

  it('is left out where others could replace it', () => {
    program();
    mkdirSync(beside);
    chmodSync(beside, 0o777);
    expect(placeClient(socket, programs)).to.equal(false);
    expect(readdirSync(beside)).to.deep.equal([]);
  });

  it('remains for machines that share the folder, though not for longer than a month', () => {
    program();
    mkdirSync(beside, { mode: 0o700 });
    const ages = { 'ask-agent-today': 0, 'ask-agent-recent': 29, 'ask-agent-old': 31, 'agent.log': 31 };
    for (const [file, days] of Object.entries(ages)) {
      writeFileSync(join(beside, file), '');
      const time = new Date(Date.now() - days * DAY_MS);
      utimesSync(join(beside, file), time, time);
    }
    placeClient(socket, programs);
    expect(readdirSync(beside)).to.have.members(['ask-agent-today', 'ask-agent-recent', 'agent.log', name()]);
    expect(existsSync(join(beside, name()))).to.equal(true);
  });
});

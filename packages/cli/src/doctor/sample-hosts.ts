import { readSshConfig, type SshConfigFile, settingsOf } from '../init/ssh-config.js';

/** A host to ask ssh about, in place of a pattern of its files. */
export interface SampleHost {
  /** As a user would type it. */
  readonly host: string;
  /** As the file has it. */
  readonly shown: string;
}

/** What ssh takes on its command line, and no shell of a `Match exec` for anything else. */
const PLAIN = /^\w[\w.:-]*$/;

/** Hosts that the Host lines of files match: names as they are, and something in place of `*` and `?`. */
export function sampleHosts(files: readonly string[]): SampleHost[] {
  const patterns = files
    .map(readSshConfig)
    .flatMap(patternsIn)
    .filter((pattern) => !/^!|^\*$/.test(pattern));
  const samples = [...new Set(patterns)].map((shown) => ({ host: shown.replace(/[*?]/g, 'x'), shown }));
  return samples.filter(({ host }) => PLAIN.test(host));
}

function patternsIn(file: SshConfigFile): string[] {
  return [...new Set(settingsOf(file).map(({ block }) => block))].flatMap(({ patterns = [] }) => patterns);
}

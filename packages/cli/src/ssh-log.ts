/*
 * What `ssh -vvv` says of the files that it reads: which blocks apply to a host only ssh can tell, since a Match can run a
 * program. The lines are those of readconf.c, which have been the same since OpenSSH 7.3.
 */

/** One pass over the files. ssh makes a second one for `Match final`, and after it has canonicalized a host name. */
export interface SshPass {
  /** The files that were read for themselves: the user's and the system's. */
  readonly files: string[];
  /** `FILE:LINE` of each Host line that matches. */
  readonly hosts: Set<string>;
  /** Whether they match, for all Match lines in the order in which ssh has read them. */
  readonly matches: boolean[];
  /** The files of an Include line, by its `FILE:LINE`. */
  readonly includes: Map<string, IncludedFile[]>;
}

export interface IncludedFile {
  readonly file: string;
  /** Whether the Include is in a block that applies. */
  readonly applies: boolean;
}

const READING = /^debug1: Reading configuration data (.+)$/;
const APPLYING = /^debug1: (.+) line (\d+): Applying options for /;
const MATCH = /^debug2: match (not )?found$/;
const INCLUDING = /^debug3: (.+) line (\d+): Including file (.+) depth \d+( \(parse only\))?$/;
const AGAIN = /^debug1: re-parsing configuration$/;

/** Reads the log of one `ssh -G -vvv`. */
export function readSshLog(log: string): SshPass[] {
  const passes: SshPass[] = [newPass()];
  let included: string | undefined;
  for (const line of log.split(/\r?\n/)) {
    const pass = passes.at(-1) as SshPass;
    const [, read] = READING.exec(line) ?? [];
    if (read !== undefined && read !== included) pass.files.push(read);
    const [, file, number, inner, isSkipped] = INCLUDING.exec(line) ?? [];
    included = inner;
    if (inner !== undefined) addInclude(pass, `${file}:${number}`, { file: inner, applies: isSkipped === undefined });
    const [, host, at] = APPLYING.exec(line) ?? [];
    if (host !== undefined) pass.hosts.add(`${host}:${at}`);
    const match = MATCH.exec(line);
    if (match !== null) pass.matches.push(match[1] === undefined);
    if (AGAIN.test(line)) passes.push(newPass());
  }
  return passes;
}

function newPass(): SshPass {
  return { files: [], hosts: new Set(), matches: [], includes: new Map() };
}

function addInclude({ includes }: SshPass, place: string, file: IncludedFile): void {
  includes.set(place, [...(includes.get(place) ?? []), file]);
}

import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { FdpassError } from '@fdpass/core';
import {
  type Config,
  currentFolder,
  didYouMean,
  exactSubject,
  expandPath,
  makePrivateFolder,
  matchPatterns,
  profileFile,
  readProfile,
  replaceFile,
} from '@fdpass/core/host';
import { type Arguments, checkCount, usage } from './arguments.js';
import { builtinFramework } from './command-framework.js';
import { print } from './print.js';
import { FDPASS } from './syntax.js';

type ProfilePattern = ReturnType<typeof profilePatterns>[number];

/** `fdpass use [PROFILE]`: sets the profile that rules can have as a condition, or shows it. */
export async function use(args: Arguments): Promise<number> {
  checkCount(FDPASS, args, 1);
  const [profile] = args.operands;
  const isCleared = args.flag('clear');
  if (isCleared && profile !== undefined) throw usage(FDPASS, 'a profile and --clear exclude each other');
  if (isCleared) clear();
  else if (profile !== undefined) set(profile, await load(args));
  const now = readProfile(process.env);
  await print(now === undefined ? 'no profile is in use\n' : `${now}\n`);
  return 0;
}

async function load(args: Arguments): Promise<Config | undefined> {
  const written = args.value('config');
  const { config } = await builtinFramework(
    written === undefined ? {} : { file: expandPath(written, currentFolder()) },
  );
  return config;
}

function clear(): void {
  const file = profileFile(process.env);
  if (file !== undefined) rmSync(file, { force: true });
}

/** A profile's name in a form that is safe to print. */
const PROFILE = /^\w[\w.+-]{0,59}$/;

function set(profile: string, config: Config | undefined): void {
  if (!PROFILE.test(profile)) throw usage(FDPASS, 'the name of a profile can have letters, digits and "._+-"');
  checkKnown(profile, config);
  const file = profileFile(process.env);
  if (file === undefined || !makePrivateFolder(dirname(file)))
    throw new FdpassError('config', `cannot save the profile${file === undefined ? '' : ` in ${dirname(file)}`}`, {
      hint: 'set HOME or XDG_STATE_HOME to a folder of your own',
    });
  replaceFile(file, `${profile}\n`);
}

/** @throws FdpassError `usage` for a profile that no rule names: it must be a typo. */
function checkKnown(profile: string, config: Config | undefined): void {
  const patterns = config === undefined ? [] : profilePatterns(config);
  if (patterns.some((pattern) => accepts(pattern, profile))) return;
  const known = profileNames(patterns);
  const instead = known.length === 0 ? undefined : `use one of: ${known.join(', ')}`;
  throw new FdpassError('usage', 'no rule names this profile', {
    hint: didYouMean(profile, known) ?? instead ?? 'write "profile: NAME" into a rule',
  });
}

function accepts(pattern: ProfilePattern, profile: string): boolean {
  return matchPatterns([{ ...pattern, negated: false }], exactSubject(profile));
}

/** The profile patterns in the rules of a configuration. */
function profilePatterns({ rules }: Config) {
  return rules.flatMap(({ conditions }) => [...(conditions?.profile ?? []), ...(conditions?.not?.profile ?? [])]);
}

/** The profiles that the rules of a configuration name. */
export function profilesOf(config: Config): string[] {
  return profileNames(profilePatterns(config));
}

function profileNames(patterns: readonly ProfilePattern[]): string[] {
  return [...new Set(patterns.flatMap(({ test }) => (test.kind === 'exact' ? [test.text] : [])))];
}

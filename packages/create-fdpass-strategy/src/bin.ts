#!/usr/bin/env node
import { relative } from 'node:path';
import { createProject } from './create.js';

const USAGE = `Usage: npm create fdpass-strategy FOLDER

Writes a project with a new strategy for fdpass into FOLDER: a working handshake, its tests, and the compliance
suite. The strategy is named after the folder, without the prefix "fdpass-strategy-".
`;

/** Runs the command; returns its exit code (sysexits.h). */
function main(args: readonly string[]): number {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [folder, ...extra] = args;
  if (folder === undefined || extra.length > 0 || folder.startsWith('-')) {
    process.stderr.write(
      `create-fdpass-strategy: name one folder, e.g. npm create fdpass-strategy fdpass-strategy-mine\n`,
    );
    return 64;
  }
  try {
    const { folder: made, strategy } = createProject(folder);
    const place = relative(process.cwd(), made) || '.';
    process.stdout.write(
      `The strategy "${strategy}" is in ${place}. Next:\n\n  cd ${place}\n  npm install\n  npm test\n`,
    );
    return 0;
  } catch (error) {
    process.stderr.write(`create-fdpass-strategy: ${error instanceof Error ? error.message : String(error)}\n`);
    return 73; // EX_CANTCREAT
  }
}

process.exitCode = main(process.argv.slice(2));

// Runs a command with another version of Node first in PATH: node scripts/with-node.mjs 22 -- npm test
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { nodeFolder, withNode } from './node-versions.mjs';

const [version, dashes, command, ...args] = process.argv.slice(2);
if (dashes !== '--' || command === undefined) {
  console.error('usage: node scripts/with-node.mjs VERSION -- COMMAND [ARG ...]');
  process.exit(64);
}

try {
  const folder = nodeFolder(version);
  if (folder === undefined) throw new Error('the binaries of other versions are for Linux on x64');
  const { status, signal, error } = spawnSync(command, args, { stdio: 'inherit', env: withNode(folder) });
  if (error) throw error;
  process.exit(status ?? 128 + constants.signals[signal]);
} catch (error) {
  console.error(`with-node: ${error.message}`);
  process.exit(1);
}

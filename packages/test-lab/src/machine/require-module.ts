import { spawnSync } from 'node:child_process';
import { release } from 'node:os';
import type { Context } from 'mocha';
import { skip, skipOrFail } from '../peers.js';

/**
 * Loads a module of the kernel that we run in, which needs root. Where there is none, the test is skipped; with
 * FDPASS_REQUIRE_PEERS=1 it fails, unless another kernel than the usual one was asked for.
 */
export function requireModule(test: Context, name: string): void {
  const { status, stderr } = spawnSync('modprobe', [name], { encoding: 'utf8', timeout: 60_000 });
  if (status === 0) return;
  const reason = `the kernel ${release()} cannot load ${name}: ${stderr.trim()}`;
  if (process.env['FDPASS_TEST_KERNEL'] === undefined) skipOrFail(test, reason);
  skip(test, reason);
}

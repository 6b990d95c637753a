import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { formatConfigSchema } from '../dist/config-schema.js';
import { FDPASS_BIN, fdpass, NO_CONFIG } from './commands.spec.helper.js';

/** Runs a line of shell with `$FDPASS` as the built command. */
async function shell(line: string): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, ...NO_CONFIG, NODE: process.execPath, FDPASS: FDPASS_BIN };
  const child = spawn('sh', ['-c', line], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { stdout, stderr };
}

describe('what fdpass schema prints', () => {
  it('is whole behind a pipe, which holds less than it at a time', async () => {
    const expected = await formatConfigSchema();
    expect(expected.length).to.be.greaterThan(65_536); // what a pipe holds on Linux
    const { stdout, stderr } = await shell('"$NODE" "$FDPASS" schema | cat');
    expect(stderr).to.equal('');
    expect(stdout === expected, `${stdout.length} of ${expected.length} characters`).to.equal(true);
  });

  it('ends without a word when its reader has enough', async () => {
    const { stdout, stderr } = await shell('"$NODE" "$FDPASS" schema | head -n 1');
    expect([stdout, stderr]).to.deep.equal(['{\n', '']);
  });
});

describe('what fdpass strategies NAME prints', () => {
  const told = {
    type: 'object',
    properties: {
      size: { type: 'integer', default: 7, description: 'how big' },
      mode: { const: 'fast', default: 'fast', description: 'how (default fast)' },
    },
  };

  it('has the defaults that a schema tells, once', async () => {
    const folder = temporaryFolder();
    try {
      const standard = `{ version: 1, vendor: 'x', validate: (value) => ({ value }), jsonSchema: { input: () => (${JSON.stringify(told)}) } }`;
      const code = `export const it = { name: 'it', create: (o, f) => f, optionsSchema: { '~standard': ${standard} } };\n`;
      writeFileSync(join(folder.path, 'plugin.mjs'), code, { mode: 0o600 });
      const config = join(folder.path, 'config.yaml');
      writeFileSync(config, 'plugins: ["./plugin.mjs"]\n', { mode: 0o600 });
      const env = { FDPASS_CONFIG: config };
      const { stdout } = await fdpass(['strategies', 'it'], { env });
      expect(stdout).to.match(/size +whole number +how big \(default 7\)\n/);
      expect(stdout).to.match(/mode +"fast" +how \(default fast\)\n/);
      const [summary] = JSON.parse((await fdpass(['strategies', '--json', 'it'], { env })).stdout);
      expect(summary.options[0]).to.include({ name: 'size', default: 7, description: 'how big' });
    } finally {
      folder.remove();
    }
  });

  it('has the keys of mappings, such as where a password can come from', async () => {
    for (const name of ['http-connect', 'socks']) {
      const { stdout } = await fdpass(['strategies', name]);
      expect(stdout).to.match(/^ {2}credentials +mapping +the user name, and one source of the password/m);
      for (const key of ['username', 'passwordFile', 'passwordEnv', 'passwordCommand', 'netrc', 'ask'])
        expect(stdout).to.match(new RegExp(`^ {4}${key} +\\w`, 'm'));
      const [{ options }] = JSON.parse((await fdpass(['strategies', '--json', name])).stdout);
      const credentials = options.find((option: { readonly name: string }) => option.name === 'credentials');
      expect(credentials.options[1]).to.include({ name: 'passwordFile', type: 'text', required: false });
    }
  });
});

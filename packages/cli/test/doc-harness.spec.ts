import { expect } from 'chai';
import { blocksOf, type DocBlock } from './doc-blocks.spec.helper.js';
import { commandsIn, objection, shellWords } from './doc-commands.spec.helper.js';
import { compile, makeWorkspace, runExample } from './doc-programs.spec.helper.js';
import { startDocServers } from './doc-servers.spec.helper.js';

const PAGE = 'page.md';

function fenced(info: string, ...code: string[]): string {
  return [`\`\`\`${info}`, ...code, '```', ''].join('\n');
}

function objections(text: string): (string | undefined)[] {
  return commandsIn(PAGE, text, blocksOf(PAGE, text)).map(({ words }) => objection(words));
}

/** Compiles and runs a program as one of a page; what it says, or what the compiler does. */
async function outcome(...code: string[]): Promise<string> {
  const [block] = blocksOf(PAGE, fenced('ts', ...code)) as [DocBlock];
  const workspace = makeWorkspace();
  const servers = await startDocServers();
  try {
    const [complaint] = (await compile(workspace, [block])).values();
    const { status, stdout, stderr } = await runExample(workspace, block, servers.ports);
    return complaint ?? `${status} ${stdout}${stderr}`;
  } finally {
    await servers.close();
    workspace.remove();
  }
}

describe('the tests of the docs', () => {
  it('find blocks with their place, language, mark and file name', () => {
    const item = ['- an item', '  ```yaml', '  # team.yaml', '  rules: []', '  ```', ''].join('\n');
    const found = blocksOf(PAGE, item + fenced('', 'Host *') + fenced('ts no-run it waits', 'x'));
    expect(found.map(({ line, language, noRun, file, code }) => [line, language, noRun, file, code])).to.deep.equal([
      [3, 'yaml', undefined, 'team.yaml', '# team.yaml\nrules: []\n'],
      [7, 'sshconfig', undefined, undefined, 'Host *\n'],
      [10, 'ts', 'it waits', undefined, 'x\n'],
    ]);
  });

  it('refuse a mark without a reason and a block without an end', () => {
    expect(() => blocksOf(PAGE, fenced('ts no-run', 'x'))).to.throw('page.md:1: what may stand behind the language');
    expect(() => blocksOf(PAGE, 'text\n```ts\nx\n')).to.throw('page.md:2: a block that does not end');
  });

  it('find an option that does not exist wherever a command line stands', () => {
    for (const code of [
      'fdpass --no h 22 # why',
      'ALL_PROXY=x bin/fdpass --no h 22',
      'true && fdpass \\\n  --no h 22',
      'fdrecv --stdio fdpass --no h 22',
      "ssh -o 'ProxyCommand=fdpass --no %h %p' h",
      'ssh -o ProxyCommand="fdrecv fdpass --no %h %p" h',
    ]) {
      expect(objections(fenced('sh', code)), code).to.deep.equal(['unknown option']);
    }
    expect(objections('Say `fdpass check --no`.')).to.deep.equal(['unknown option']);
    expect(objections(fenced('', 'Host *', '  ProxyCommand fdpass --no %h %p'))).to.deep.equal(['unknown option']);
  });

  it('take neither what is said about a command nor its output for a command line', () => {
    expect(objections(fenced('sh', 'fdpass HOST PORT    what --no means', 'fdpass h 22 # --no'))).to.deep.equal([
      undefined,
      undefined,
    ]);
    expect(objections(fenced('console', '$ fdpass h 22', 'fdpass --no: unknown'))).to.deep.equal([undefined]);
    expect(objections(fenced('console', '$ fdpass --no', 'fdpass: [usage] unknown option'))).to.deep.equal([]);
    expect(shellWords(`fdpass "a b"c 'd'`)).to.deep.equal(['fdpass', 'a bc', 'd']);
  });

  it('say where a program does not compile', async () => {
    expect(await outcome('const one = 1;', 'const two: string = one;')).to.match(/^page\.md:3: error TS2322/);
  });

  it('fail a program that throws or never comes to its end', async () => {
    expect(await outcome("throw new Error('no');")).to.match(/^1 /);
    expect(await outcome('await new Promise(() => {});')).to.match(/^13 /);
  });

  it('give programs a server and proxies under .example', async () => {
    const said = await outcome(
      "import { makeTarget } from '@fdpass/core';",
      "import { loadFramework } from '@fdpass/core/host';",
      "import { happyEyeballs } from '@fdpass/strategy-happy-eyeballs';",
      "import { httpConnect } from '@fdpass/strategy-http-connect';",
      "import { socks } from '@fdpass/strategy-socks';",
      'const strategies = [happyEyeballs, socks, httpConnect];',
      "const { router } = await loadFramework({ strategies, defaultStrategy: 'happy-eyeballs', config: false });",
      "for (const use of ['happy-eyeballs', 'socks5h://proxy.example:1080', 'http://proxy.example:3128']) {",
      "  const target = makeTarget({ host: 'host.example', port: 22 });",
      "  const stream = (await router.dial(await router.routeVia(target, use, '/'))).toStream();",
      '  for await (const banner of stream) {',
      '    process.stdout.write(String(banner));',
      '    break;',
      '  }',
      '}',
    );
    expect(said).to.equal(`0 ${'SSH-2.0-example\r\n'.repeat(3)}`);
  });

  it('let no program reach anything else', async () => {
    const open = (host: string): Promise<string> =>
      outcome("import { connect } from 'node:net';", `connect(80, '${host}');`);
    expect(await open('192.0.2.1')).to.contain('an example may not reach 192.0.2.1:80');
    expect(await open('fdpass.invalid')).to.contain('an example may not reach fdpass.invalid:80');
  });
});

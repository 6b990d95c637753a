import { expect } from 'chai';
import { useFolder } from '../config/folder.spec.helper.js';
import { startDeadline } from '../ground/clock.js';
import { FdpassError, formatError } from '../ground/errors.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import { caught } from '../ground/rejection.spec.helper.js';
import type { TraceEvent } from '../ground/trace.js';
import { askSecret } from './ask.js';
import { type CredentialOptions, resolveCredentials } from './credentials.js';
import { readProxyUrl } from './proxy.js';
import { credentialsSchema } from './schema.js';

const VARIABLE = 'FDPASS_TEST_PASSWORD';
const NEVER = new AbortController().signal;
const script = (text: string): readonly string[] => [process.execPath, '-e', text];

describe('credentials', () => {
  const folder = useFolder();
  afterEach(() => void delete process.env[VARIABLE]);

  const get = (
    options: CredentialOptions | undefined,
    url?: string,
    signal: AbortSignal = NEVER,
    events: TraceEvent[] = [],
  ) =>
    resolveCredentials({
      options,
      host: 'proxy.example',
      baseDir: folder.path(),
      signal,
      trace: (event) => void events.push(event),
      ...(url !== undefined && readProxyUrl(url, { http: { port: 80 } }, 'http://HOST')),
    });
  const failure = async (...args: Parameters<typeof get>): Promise<string> => {
    const error = await get(...args).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return error instanceof FdpassError ? `${error.code}: ${formatError(error)}` : String(error);
  };

  it('are none where nobody says any', async () => {
    expect(await get(undefined)).to.equal(undefined);
    expect(await get({}, 'http://proxy.example:1')).to.equal(undefined);
  });

  it('come from a URL, decoded, with a warning that does not show them', async () => {
    const events: TraceEvent[] = [];
    expect(await get(undefined, 'http://a%40b:p%3Aq%C3%A9@proxy.example', NEVER, events)).to.deep.equal({
      username: 'a@b',
      password: 'p:qé',
    });
    expect(JSON.stringify(events)).to.contain('"note"').and.not.contain('p:q').and.not.contain('p%3Aq');
  });

  it('warn of nothing where the URL has only a user name', async () => {
    const events: TraceEvent[] = [];
    for (const userInfo of ['me', 'me:'])
      expect(await get(undefined, `http://${userInfo}@proxy.example`, NEVER, events)).to.deep.equal({
        username: 'me',
        password: '',
      });
    expect(events).to.deep.equal([]);
  });

  it('come from a file, its first line', async () => {
    folder.write('secret', 'from file \r\nsecond\n');
    expect(await get({ username: 'me', passwordFile: 'secret' })).to.deep.equal({
      username: 'me',
      password: 'from file ',
    });
    expect(await get({ passwordFile: folder.path('secret') }, 'http://you:x@proxy.example')).to.deep.equal({
      username: 'you',
      password: 'from file ',
    });
  });

  it('come from the environment', async () => {
    process.env[VARIABLE] = 'from env';
    expect(await get({ username: 'me', passwordEnv: VARIABLE })).to.deep.equal({
      username: 'me',
      password: 'from env',
    });
  });

  it('come from a program that no shell starts', async () => {
    const passwordCommand = [...script('console.log(process.argv[1] + "\\nsecond")'), '$HOME; `id` "x"'];
    expect((await get({ username: 'me', passwordCommand }))?.password).to.equal('$HOME; `id` "x"');
  });

  it('come from a program beside the config', async () => {
    folder.write('bin/show', '#!/bin/sh\necho shown\n', 0o700);
    expect((await get({ username: 'me', passwordCommand: ['./bin/show'] }))?.password).to.equal('shown');
  });

  it('come from a program that runs in the folder of the config, wherever we are', async () => {
    const { realpathSync } = await import('node:fs');
    const passwordCommand = script('console.log(process.cwd())');
    expect(process.cwd()).to.not.equal(realpathSync(folder.path()));
    expect((await get({ username: 'me', passwordCommand }))?.password).to.equal(realpathSync(folder.path()));
  });

  it('come from the environment that a program puts in place of its own', async () => {
    folder.write('netrc', 'machine proxy.example login a password one');
    const environment = { [VARIABLE]: 'from there', NETRC: folder.path('netrc') };
    const request = { host: 'proxy.example', baseDir: '/', signal: NEVER, environment };
    expect(
      (await resolveCredentials({ ...request, options: { username: 'me', passwordEnv: VARIABLE } }))?.password,
    ).to.equal('from there');
    for (const host of ['proxy.example', 'proxy.example.']) {
      expect(await resolveCredentials({ ...request, host, options: { netrc: true } })).to.deep.equal({
        username: 'a',
        password: 'one',
      });
    }
  });

  it('are in the home folder of that environment, and in no file that depends on the current directory', async () => {
    const HOME = folder.path('home');
    folder.write('home/.netrc', 'machine proxy.example login a password one');
    folder.write('home/own', 'machine proxy.example login a password own');
    folder.write('home/secret', 'two\n');
    const ask = async (options: CredentialOptions, environment: NodeJS.ProcessEnv): Promise<string | undefined> =>
      resolveCredentials({ host: 'proxy.example', baseDir: '/', signal: NEVER, environment, options }).then(
        (credentials) => credentials?.password,
        formatError,
      );
    expect(await ask({ netrc: true }, { HOME })).to.equal('one');
    expect(await ask({ netrc: true }, { HOME, NETRC: '' })).to.equal('one');
    expect(await ask({ netrc: '~/own' }, { HOME })).to.equal('own');
    expect(await ask({ netrc: true }, { HOME, NETRC: '~/own' })).to.equal('own');
    expect(await ask({ username: 'me', passwordFile: '~/secret' }, { HOME })).to.equal('two');
    for (const NETRC of ['netrc', './netrc', '../netrc'])
      expect(await ask({ netrc: true }, { HOME, NETRC })).to.equal(
        `NETRC ${NETRC === 'netrc' ? 'is a relative path' : `names "${NETRC}"`}, which depends on the current directory; write an absolute path`,
      );
  });

  it('take the user name beside the password of a URL from the options or netrc, else an empty one', async () => {
    folder.write('netrc', 'machine proxy.example login a password one');
    expect(await get(undefined, 'http://:pw@proxy.example')).to.deep.equal({ username: '', password: 'pw' });
    expect(await get({ username: 'me' }, 'http://:pw@proxy.example')).to.deep.equal({ username: 'me', password: 'pw' });
    expect(await get({ netrc: 'netrc' }, 'http://:pw@proxy.example')).to.deep.equal({ username: 'a', password: 'one' });
  });

  it('come from a netrc file, for the user of the options or the URL if there is one', async () => {
    folder.write('netrc', 'machine proxy.example login a password one machine proxy.example login b password two');
    expect(await get({ netrc: 'netrc' })).to.deep.equal({ username: 'a', password: 'one' });
    expect(await get({ netrc: 'netrc', username: 'b' })).to.deep.equal({ username: 'b', password: 'two' });
    expect(await get({ netrc: 'netrc' }, 'http://b@proxy.example')).to.deep.equal({ username: 'b', password: 'two' });
  });

  it('are refused from files that others can read', async () => {
    folder.write('open', 'hush', 0o640);
    expect(await failure({ username: 'me', passwordFile: 'open' })).to.match(
      /^config: .*its group \(mode 0640\); run: chmod/,
    );
    expect(await failure({ netrc: 'open' }))
      .to.match(/^config: .*holds a secret/)
      .and.not.contain('hush');
  });

  const FAILURES: readonly [name: string, options: CredentialOptions, text: RegExp][] = [
    [
      'a file that is not there',
      { username: 'me', passwordFile: 'none' },
      /^config: the file that "passwordFile" names: no such file/,
    ],
    [
      'an empty file',
      { username: 'me', passwordFile: 'empty' },
      /^permission: the file of "passwordFile" gives an empty password/,
    ],
    [
      'a variable that is not set',
      { username: 'me', passwordEnv: VARIABLE },
      /^config: the variable that "passwordEnv" names is not set; set it$/,
    ],
    [
      'a program that is not there',
      { username: 'me', passwordCommand: ['./none'] },
      /^config: cannot run the password command: no such file/,
    ],
    [
      'a program that fails',
      { username: 'me', passwordCommand: script('console.log("hush"); process.exit(3)') },
      /^permission: .*ended with status 3$/,
    ],
    [
      'a program that says nothing',
      { username: 'me', passwordCommand: script('') },
      /^permission: the password command gives an empty/,
    ],
    [
      'a program that never stops talking',
      { username: 'me', passwordCommand: script('for (;;) require("fs").writeSync(1, "hush".repeat(9999))') },
      /^permission: .*ended with SIGKILL/,
    ],
    ['a question without a name', { ask: true }, /^config: there is a password for proxy\.example, but no user name/],
    ['a netrc without an entry', { netrc: 'empty' }, /^config: .*no entry for proxy\.example/],
    [
      'a password without a name',
      { passwordCommand: script('console.log("hush")') },
      /^config: there is a password for proxy\.example, but no user name/,
    ],
  ];
  for (const [name, options, text] of FAILURES) {
    it(`say what is wrong with ${name}, without a secret`, async () => {
      folder.write('empty', '\n');
      expect(await failure(options))
        .to.match(text)
        .and.not.contain('hush');
    });
  }

  it('stop waiting for a program when the dial ends, and kill it', async () => {
    const abort = new AbortController();
    const pidFile = folder.path('pid');
    const passwordCommand = script(
      `require('fs').writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); setInterval(() => {}, 1000)`,
    );
    const waiting = failure({ username: 'me', passwordCommand }, undefined, abort.signal);
    const { existsSync, readFileSync } = await import('node:fs');
    while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8') === '') await new Promise(setImmediate);
    abort.abort(new Error('too late'));
    expect(await waiting).to.equal('Error: too late');
    await gone(Number(readFileSync(pidFile, 'utf8')));
  });

  const SLOW: Readonly<Record<string, readonly [options: CredentialOptions, text: RegExp]>> = {
    'a program that does not end': [
      { passwordCommand: script('setInterval(() => {}, 1000)') },
      /timed out after 30 s: the password command has not ended; run that command yourself .*"timeout"/,
    ],
    'a person who does not answer': [
      { ask: true },
      /timed out after 30 s: nobody has entered the password; keep .*"passwordFile".*"timeout"/,
    ],
  };

  for (const [who, [options, text]] of Object.entries(SLOW)) {
    it(`name ${who} when the time of the dial is over`, async () => {
      const program = folder.write('askpass', '#!/bin/sh\nexec sleep 60\n', 0o700);
      const environment = { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force', PATH: process.env['PATH'] };
      const clock = new HandClock();
      const { signal } = startDeadline(30_000, undefined, clock);
      const request = {
        options: { username: 'me', ...options },
        baseDir: '/',
        signal,
        environment,
        host: 'proxy.example',
      };
      const waiting = caught(resolveCredentials(request));
      clock.advance(30_000);
      const error = await waiting;
      expect(error).to.be.instanceOf(FdpassError).with.property('cause', signal.reason);
      expect(formatError(error)).to.match(text);
    });
  }

  it('ask through SSH_ASKPASS, with the question as its only argument', async () => {
    const program = folder.write('askpass', '#!/bin/sh\necho "$#:$1"\n', 0o700);
    const env = { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force', PATH: process.env['PATH'] };
    const place = { baseDir: folder.path(), environment: env };
    expect(await askSecret('Password for me@proxy: ', NEVER, place)).to.equal('1:Password for me@proxy: ');
  });

  it('ask for the password of the proxy, so that nobody gives the one for ssh', async () => {
    const program = folder.write('askpass', '#!/bin/sh\necho "$1"\n', 0o700);
    const environment = { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force', PATH: process.env['PATH'] };
    const ask = async (host: string, port?: number): Promise<string | undefined> => {
      const request = { options: { username: 'me', ask: true }, baseDir: '/', signal: NEVER, environment, host };
      return (await resolveCredentials(port === undefined ? request : { ...request, port }))?.password;
    };
    expect(await ask('proxy.example', 3128)).to.equal('Proxy password for me@proxy.example:3128: ');
    expect(await ask('::1', 3128)).to.equal('Proxy password for me@[::1]:3128: ');
    expect(await ask('proxy.example')).to.equal('Proxy password for me@proxy.example: ');
  });

  it('say so where SSH_ASKPASS is cancelled or names nothing', async () => {
    const program = folder.write('askpass', '#!/bin/sh\nexit 1\n', 0o700);
    const ask = (env: NodeJS.ProcessEnv) =>
      askSecret('?', NEVER, { baseDir: '/', environment: { SSH_ASKPASS_REQUIRE: 'force', ...env } }).catch(formatError);
    expect(await ask({ SSH_ASKPASS: program })).to.equal('the SSH_ASKPASS program ended with status 1');
    expect(await ask({})).to.equal('cannot ask for the password: SSH_ASKPASS does not name a program');
    expect(await ask({ SSH_ASKPASS: './askpass' })).to.equal(
      'SSH_ASKPASS names "./askpass", which depends on the current directory; write an absolute path',
    );
  });

  it('take at most one source of the password', async () => {
    const check = async (options: unknown) =>
      (await credentialsSchema['~standard'].validate(options)).issues?.map(({ message }) => message);
    expect(await check({ username: 'u', passwordFile: 'f', netrc: false })).to.equal(undefined);
    expect(await check({ passwordFile: 'f', ask: true })).to.match(/give only one of/);
    expect(await check({ password: 'hush' })).to.have.lengthOf(1);
    expect(await check({ passwordCommand: [] })).to.match(/an empty list is not a command/);
  });
});

/** Waits for the end of a process. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise(setImmediate);
  }
}

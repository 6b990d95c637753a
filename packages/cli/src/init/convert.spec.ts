import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { convertCommand } from './convert.js';
import { sshWord } from './shell-words.js';

const ASK = { ask: true };

describe('a ProxyCommand', () => {
  const converted: readonly (readonly [command: string, hops: readonly object[], environment?: object])[] = [
    ['nc -x socks.example %h %p', [{ url: 'socks5h://socks.example:1080' }]],
    ['nc -Xconnect -x proxy.example %h %p', [{ url: 'http://proxy.example:3128' }]],
    ['nc -X CONNECT -x [2001:db8::1]:8080 %h %p', [{ url: 'http://[2001:db8::1]:8080' }]],
    ['nc -F -X 5 -x s:1 %h %p', [{ url: 'socks5h://s:1' }]],
    ['/usr/bin/nc.openbsd -x s:1 -P me %h %p', [{ url: 'socks5h://s:1' }]],
    ['exec nc -vq0 "%h" \'%p\' 2>/dev/null', [{ use: 'happy-eyeballs' }]],
    ['nc --proxy p:1 %h %p', [{ url: 'http://p:1' }]],
    ['ncat --proxy=p --proxy-type=socks4 %h %p', [{ url: 'socks4a://p:1080' }]],
    [
      'ncat --proxy p %h %p',
      [{ url: 'http://p:3128', username: 'me', password: { secret: 's3' } }],
      { NCAT_PROXY_AUTH: 'me:s3' },
    ],
    ['connect -H proxy %h %p', [{ url: 'http://proxy:80', username: undefined, password: undefined }]],
    ['connect -5 -R local -S s %h %p', [{ url: 'socks5://s:1080', username: undefined, password: undefined }]],
    ['connect -4 -R remote -S s %h %p', [{ url: 'socks4a://s:1080', username: undefined }]],
    ['connect -H me@proxy:1 %h %p', [{ url: 'http://proxy:1', username: 'me', password: ASK }]],
    [
      'connect -S me@s %h %p',
      [{ url: 'socks5h://s:1080', username: 'me', password: { passwordEnv: 'SOCKS5_PASSWORD' } }],
      { SOCKS5_PASSWORD: 's3' },
    ],
    ['proxytunnel -p p -d %h:%p', [{ url: 'http://p:8080' }]],
    [
      'proxytunnel -E -p a:1 -r b:2 -R "you:100%% \\$ure" -d %h:%p',
      [{ url: 'https://a:1' }, { url: 'http://b:2', username: 'you', password: { secret: '100% $ure' } }],
    ],
    ['socat STDIO PROXY:p:%h:%p', [{ url: 'http://p:8080' }]],
    ['socat -d -d socks4a:s:%h:%p,socksuser=me -', [{ url: 'socks4a://s:1080', username: 'me' }]],
    ['socat - SOCKS5-CONNECT:s:1081:%h:%p', [{ url: 'socks5h://s:1081' }]],
    ['socat - TCP4:%h:%p', [{ use: { strategy: 'happy-eyeballs', family: 4 } }]],
    ['socat - UNIX-CONNECT:/run/vm.sock', [{ use: { strategy: 'local', path: '/run/vm.sock' } }]],
    ['ssh bastion -W %h:%p', [{ use: { strategy: 'jump', hosts: ['bastion'] } }]],
    ['ssh -W%h:%p bastion', [{ use: { strategy: 'jump', hosts: ['bastion'] } }]],
    ['ssh -qT -J a,b -l me -p 2222 -W %h:%p c', [{ use: { strategy: 'jump', hosts: ['a', 'b', 'me@c:2222'] } }]],
    [
      'ssh -i ~/.ssh/jump -o BatchMode=yes bastion -W %h:%p',
      [{ use: { strategy: 'jump', hosts: ['bastion'], sshOptions: ['-i', '~/.ssh/jump', '-o', 'BatchMode=yes'] } }],
    ],
    ['ssh bastion nc %h %p', [{ use: { strategy: 'jump', hosts: ['bastion'] } }]],
  ];
  for (const [command, hops, environment = {}] of converted) {
    it(`becomes a route: ${command}`, () => {
      const result = convertCommand(command, environment as NodeJS.ProcessEnv);
      expect(result).to.have.property('conversion');
      expect('conversion' in result && result.conversion.hops).to.deep.equal(hops);
    });
  }

  for (const command of ['nc -w 10 -x s %h %p', 'ncat -w 10s --proxy p %h %p', 'connect -w 10 -S s %h %p']) {
    it(`takes its time-out along: ${command}`, () => {
      const result = convertCommand(command, {});
      expect('conversion' in result && result.conversion.timeout).to.equal(10);
    });
  }

  const kept: readonly (readonly [command: string, why: string])[] = [
    ['sshpass -p hush ssh -W %h:%p gw', 'it is not one of the programs that fdpass init knows'],
    ['nc -x p:1 %h %p | tee log', 'it needs a shell'],
    ['nc -x "$PROXY" %h %p', 'it needs a shell'],
    ['nc -x `proxy` %h %p', 'it needs a shell'],
    ['nc -x $(proxy) %h %p', 'it needs a shell'],
    ["nc -x 'p:1 %h %p", 'it needs a shell'],
    ['/opt/my\\ tools/proxy$ %h', 'it needs a shell'],
    ['nc -x p:1 other.example 22', 'it does not connect to %h %p'],
    ['nc -x p:1 -s 10.0.0.1 %h %p', 'unknown option "-s"'],
    ['nc -X 6 -x p:1 %h %p', 'the protocol of its proxy is not 4, 5 or connect'],
    ['nc -w soon %h %p', 'its time-out is not a number of seconds'],
    ['nc -x %r.proxy:1 %h %p', 'it uses a token besides %h and %p'],
    ['nc -x %h:1 %h %p', 'the address of its proxy is not plain'],
    ['ncat --ssl %h %p', 'unknown option'],
    ['ncat --proxy p --proxy-type magic %h %p', 'its --proxy-type or --proxy-dns has no equivalent in fdpass'],
    ['corkscrew p 1 %h %p /no/such/file', '/no/such/file: no such file or directory'],
    ['corkscrew p 1 other 22', 'it does not connect to %h %p'],
    ['proxytunnel -p p:1 -d other:22', 'it does not connect to %h:%p'],
    ['proxytunnel -d %h:%p', 'it names no proxy'],
    ['proxytunnel -N -p p:1 -d %h:%p', 'unknown option "-N"'],
    ['socat - OPENSSL:%h:%p', 'its address has no equivalent in fdpass'],
    ['socat - TCP:%h:%p,bind=10.0.0.1', 'an option of its address has no equivalent in fdpass'],
    ['socat TCP-LISTEN:1 TCP:%h:%p', 'it does not connect stdio'],
    ['ssh bastion cat', 'it is not a tunnel to %h:%p'],
    ['ssh -W other:22 bastion', 'it does not connect to %h:%p'],
    ['ssh -W %h:%p', 'its jump host is not plain'],
    ['ssh -D 1080 -W %h:%p bastion', 'unknown option "-D"'],
  ];
  for (const [command, why] of kept) {
    it(`stays as it is: ${command}`, () => {
      const result = convertCommand(command, {});
      expect('why' in result && result.why).to.equal(why);
      expect(JSON.stringify(result)).to.not.contain('hush');
    });
  }
});

describe('a word of a ProxyCommand', () => {
  it('is the same after ssh and a shell have read it', () => {
    for (const word of ["/home/o'brien/fdpass", "''", '/a b/100%h/"$x"', 'back\\slash']) {
      const command = `ProxyCommand ${sshWord(word)} %h`;
      const { stdout } = spawnSync('ssh', ['-G', '-F', 'none', '-o', command, 'x'], { encoding: 'utf8' });
      const [, read = ''] = /^proxycommand (.*) %h$/m.exec(stdout) ?? [];
      const said = spawnSync('sh', ['-c', `printf %s ${read.replaceAll('%%', '%')}`], { encoding: 'utf8' });
      expect(said.stdout).to.equal(word);
    }
  });
});

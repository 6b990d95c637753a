import { expect } from 'chai';
import { parseArguments } from './arguments.js';
import { FDPASS, FDRECV } from './syntax.js';

describe('command line', () => {
  const commands: readonly (readonly [argv: string, command: string, operands: readonly string[]])[] = [
    ['host.example 22', '', ['host.example', '22']],
    ['explain 22', '', ['explain', '22']],
    ['check 22', '', ['check', '22']],
    ['explain host.example', 'explain', ['host.example']],
    ['explain host.example 22', 'explain', ['host.example', '22']],
    ['connect host.example 22', 'connect', ['host.example', '22']],
    ['-v host.example 22 --stdio', '', ['host.example', '22']],
    ['--via socks5://p:1 -w 5 host.example 22', '', ['host.example', '22']],
    ['-- -host 22', '', ['-host', '22']],
    ['check', 'check', []],
    ['strategies', 'strategies', []],
    ['host.example ssh', '', ['host.example', 'ssh']],
    ['', '', []],
    ['exec host.example 22 cat -v', 'exec', ['host.example', '22', 'cat', '-v']],
    ['-v exec --stdio host.example 22 -- cat -v -- -h', 'exec', ['host.example', '22', 'cat', '-v', '--', '-h']],
    ['exec host.example -v 22 -w 5 cat --help', 'exec', ['host.example', '22', 'cat', '--help']],
    ['run -v cat -v', 'run', ['cat', '-v']],
    ['run -- -v -- x', 'run', ['-v', '--', 'x']],
    ['exec 22', '', ['exec', '22']],
  ];
  for (const [argv, command, operands] of commands) {
    it(`takes "${argv}" as ${command || 'connect form'}`, () => {
      const args = parseArguments(FDPASS, argv.split(' ').filter(Boolean));
      expect([args.command.name, args.operands]).to.deep.equal([command, operands]);
    });
  }

  it('reads values in every habit of getopt_long', () => {
    for (const argv of [['-w', '5'], ['-w5'], ['--timeout', '5'], ['--timeout=5'], ['-vw5'], ['-w', '1', '-w', '5']]) {
      expect(parseArguments(FDPASS, [...argv, 'h', '22']).value('timeout')).to.equal('5');
    }
    const args = parseArguments(FDPASS, ['-vv', '-v', '--via', 'a', '--via=b', 'h', '22']);
    expect([args.count('verbose'), args.values('via')]).to.deep.equal([3, ['a', 'b']]);
  });

  const variables: readonly (readonly [environment: string, argv: string, given: object])[] = [
    ['FDPASS_VERBOSE=2', 'h 22', { verbose: 2, via: [], from: '--via' }],
    ['FDPASS_VERBOSE=0', 'h 22', { verbose: 0, via: [], from: '--via' }],
    ['FDPASS_VERBOSE=2', '-v h 22', { verbose: 1, via: [], from: '--via' }],
    ['FDPASS_VIA=tor', 'h 22', { verbose: 0, via: ['tor'], from: 'FDPASS_VIA' }],
    ['FDPASS_VIA=  corp   tor ', 'h 22', { verbose: 0, via: ['corp', 'tor'], from: 'FDPASS_VIA' }],
    ['FDPASS_VIA=tor', '--via direct h 22', { verbose: 0, via: ['direct'], from: '--via' }],
    ['FDPASS_VIA= ', 'h 22', { verbose: 0, via: [], from: '--via' }],
    ['FDPASS_VIA=tor', 'explain h', { verbose: 0, via: ['tor'], from: 'FDPASS_VIA' }],
    ['FDPASS_VIA=tor', 'check', { verbose: 0, via: [], from: '--via' }],
    ['FDPASS_LOG=/tmp/log', 'h 22', { verbose: 0, via: [], from: '--via', log: '/tmp/log' }],
    ['FDPASS_LOG=~/log', 'h 22', { verbose: 0, via: [], from: '--via', log: '/home/me/log' }],
    ['FDPASS_LOG=/tmp/log', '--log /tmp/other h 22', { verbose: 0, via: [], from: '--via', log: '/tmp/other' }],
  ];
  for (const [written, argv, given] of variables) {
    it(`takes options from the environment: ${written} fdpass ${argv}`, () => {
      const [name = '', value] = written.split('=');
      const environment = { HOME: '/home/me', [name]: value };
      const args = parseArguments(FDPASS, argv.split(' '), { environment });
      const log = args.value('log');
      expect({
        verbose: args.count('verbose'),
        via: args.values('via'),
        from: args.sourceOf('via'),
        ...(log !== undefined && { log }),
      }).to.deep.equal(given);
    });
  }

  for (const [name, value, message] of [
    ['FDPASS_VERBOSE', 'yes', /^FDPASS_VERBOSE must be a number from 0 to 9$/],
    ['FDPASS_VERBOSE', '-1', /^FDPASS_VERBOSE must be a number/],
    ['FDPASS_LOG', 'fdpass.log', /^FDPASS_LOG is not an absolute path$/],
  ] as const) {
    it(`refuses ${name}=${value}`, () => {
      expect(() => parseArguments(FDPASS, ['h', '22'], { environment: { [name]: value } }))
        .to.throw(message)
        .with.property('code', 'usage');
    });
  }

  it('leaves the options of the command that fdrecv runs alone', () => {
    const args = parseArguments(FDRECV, ['--json', 'nc', '-F', '--stdio', 'h', '22'], { stopAtOperand: true });
    expect([args.operands, args.flag('json'), args.flag('stdio')]).to.deep.equal([
      ['nc', '-F', '--stdio', 'h', '22'],
      true,
      false,
    ]);
  });

  const wrong: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
    [['--nope', 'h', '22'], /^unknown option$/],
    [['--hunter2=PW', 'h', '22'], /^unknown option$/],
    [['--confg', 'f', 'h', '22'], /^unknown option "--confg"$/],
    [['-x', 'h', '22'], /unknown option "-x"/],
    [['--secret=s3cret', 'h', '22'], /^unknown option$/],
    [['-vx', 'h', '22'], /unknown option "-x"/],
    [['--timeout'], /--timeout needs an argument: SECONDS/],
    [['-w'], /-w needs an argument/],
    [['--stdio=yes', 'h', '22'], /--stdio takes no argument/],
    [['--svg', 'f', 'h', '22'], /takes no option --svg/],
    [['check', '--via', 'x'], /fdpass check takes no option --via/],
  ];
  for (const [argv, message] of wrong) {
    it(`refuses ${argv.join(' ')}`, () => {
      expect(() => parseArguments(FDPASS, argv))
        .to.throw(message)
        .with.property('code', 'usage');
    });
  }

  const misspelt: readonly (readonly [argv: readonly string[], message: RegExp, hint: string])[] = [
    [['chekc'], /"chekc" is not a command, and a host needs a port/, 'did you mean "check"?'],
    [['strategy'], /"strategy" is not a command/, 'did you mean "strategies"?'],
    [['shema'], /"shema" is not a command/, 'did you mean "schema"?'],
    [['explian', 'host.example'], /"explian" is not a command/, 'did you mean "explain"?'],
    [['host.example', '22', '--user', 'me', '--vai=x'], /unknown option "--vai"/, 'did you mean "--via"?'],
    [['--timout', '5', 'host.example', '22'], /unknown option "--timout"/, 'did you mean "--timeout"?'],
    [['-stdio', 'host.example', '22'], /unknown option "-s"/, 'did you mean "--stdio"?'],
    [['explain', '--jsno', 'host.example'], /unknown option "--jsno"/, 'did you mean "--json"?'],
    [['strategies', '--hlep'], /unknown option "--hlep"/, 'did you mean "--help"?'],
    [['schema', '--jsno'], /unknown option "--jsno"/, 'see: fdpass --help'], // the command has no --json
    [['--zzz', 'host.example', '22'], /^unknown option$/, 'see: fdpass --help'],
  ];
  for (const [argv, message, hint] of misspelt) {
    it(`says of ${argv.join(' ')}: ${hint}`, () => {
      expect(() => parseArguments(FDPASS, argv))
        .to.throw(message)
        .with.property('hint', hint);
    });
  }
});

/*
 * What help and manual pages say of every command, option and exit code: --help, the man pages, docs/fdpass.md and docs/fdrecv.md
 * are made from this. A connection needs none of it.
 */

import type { ErrorCode } from '@fdpass/core';
import { type CommandSyntax, FDPASS, FDRECV, type OptionSyntax, type ProgramSyntax } from './syntax.js';

/** An option with what it does. */
export interface OptionSpec extends OptionSyntax {
  readonly help: string;
}

/** A command with what it does. */
export interface CommandSpec extends CommandSyntax, CommandWords {}

interface CommandWords {
  readonly synopsis: string;
  readonly summary: string;
  /** For its own help page. */
  readonly examples?: readonly (readonly [code: string, what: string])[];
}

/** A program with what it does. */
export interface ProgramSpec extends ProgramSyntax, ProgramText {
  readonly commands: readonly CommandSpec[];
  readonly options: readonly OptionSpec[];
}

interface ProgramText {
  readonly summary: string;
  readonly description: readonly string[];
  readonly examples: readonly (readonly [code: string, what: string])[];
  readonly files: readonly (readonly [path: string, what: string])[];
  readonly environment: readonly (readonly [name: string, what: string])[];
  /** What is to say of the exit status besides {@link EXIT_STATUS}. */
  readonly exitNote: string;
}

/** The words for a program, its commands and its options. */
interface ProgramWords extends ProgramText {
  readonly commands: Readonly<Record<string, CommandWords>>;
  /** Besides {@link COMMON}. */
  readonly options: Readonly<Record<string, string>>;
}

/** The day of the last change that a reader of the manual pages would notice. */
export const MANUAL_DATE = '2026-11-29';

export interface ExitStatus {
  readonly status: number;
  /** What error lines with this status begin with. */
  readonly code?: ErrorCode;
  readonly meaning: string;
}

/** Statuses of sysexits.h. */
export const EXIT_STATUS: readonly ExitStatus[] = [
  { status: 0, meaning: 'the connection was handed over, or the command did what it was asked' },
  { status: 64, code: 'usage', meaning: 'a bad command line, or stdout cannot take a connection' },
  { status: 65, code: 'protocol', meaning: 'a proxy or a program gave an invalid reply' },
  { status: 68, code: 'unknown-host', meaning: 'a name has no address' },
  { status: 69, code: 'unreachable', meaning: 'refused, closed, or no route to the host' },
  { status: 70, code: 'internal', meaning: 'a fault in fdpass, in a plugin or in this system' },
  { status: 75, code: 'timeout', meaning: 'nothing answered in time' },
  { status: 77, code: 'permission', meaning: 'authentication failed, or something is not allowed' },
  { status: 78, code: 'config', meaning: 'the configuration, or a file that it names, is wrong' },
];

/** The status of an error. */
export type ErrorStatus = Required<ExitStatus>;

/** Those that are errors: all codes there are. */
export const ERROR_STATUS: readonly ErrorStatus[] = EXIT_STATUS.filter(
  (each): each is ErrorStatus => each.code !== undefined,
);

/** A status in words, as help and manual pages have it. */
export function describeStatus({ code, meaning }: ExitStatus): string {
  return code === undefined ? meaning : `${code}: ${meaning}`;
}

/** For the programs' `exitNote`. */
const CODES_NOTE =
  'An error line begins with the code in brackets, e.g. "fdpass: [timeout] ...". "fdpass help timeout" describes its causes and remedies; "fdpass help errors" lists the codes.';

const COMMON: ProgramWords['options'] = {
  help: 'show this help and exit',
  version: 'show the version and exit',
};

const NODE_OPTIONS: readonly [name: string, what: string] = [
  'FDPASS_NODE_OPTIONS',
  'options for Node, written as in NODE_OPTIONS; NODE_OPTIONS itself, NODE_PATH and NODE_DEBUG are removed, since they can run modules of the current directory',
];

export const FDPASS_USAGE: ProgramSpec = describe(FDPASS, {
  summary: 'open the right socket for each host and hand it over',
  description: [
    'fdpass connects to HOST and PORT using the strategy of the first matching rule in its configuration (directly, through proxies, or through chains of them). It passes the connected descriptor over its standard output to the program that started it, and exits. Use it as a ProxyCommand of ssh(1) with ProxyUseFdpass yes. No process stays behind, unless bytes have to be relayed, as for TLS to a proxy.',
    "In ssh_config(5) the block for all hosts must come last, since ssh uses the first value that it finds for each option. A host that has a ProxyCommand of its own needs ProxyUseFdpass no, or it inherits ProxyUseFdpass yes and fails. A ProxyJump below the block is silently ignored. Write '%r' and '%n' with the quotes: ssh runs the line in a shell, which would remove a backslash.",
    'The type of standard output decides how the connection is handed over: a unix socket gets the descriptor, and a pipe gets relayed bytes, as from nc(1). A client that has already written to the unix socket gets bytes too: libssh, and with it Remmina, KDE and wezterm, sends its greeting at once, whereas ssh(1) sends nothing. The EXEC address of socat(1) looks just like ssh, so fdpass needs --stdio there. Without a configuration, Happy Eyeballs (RFC 8305) reaches every host.',
    'If there are two operands and the second is a port, they are always HOST and PORT, even if HOST is the name of a subcommand.',
  ],
  commands: {
    '': { synopsis: '[options] HOST PORT', summary: 'connect and hand over: the ProxyCommand form' },
    connect: { synopsis: '[options] HOST PORT', summary: 'connect and hand over, as "fdpass HOST PORT" does' },
    explain: {
      synopsis: '[options] HOST [PORT]',
      summary:
        'show what ssh does for HOST (whether it runs fdpass, because of which line, and which ssh options then have no effect), the rule, the whole route, and why; connects only to test conditions of rules; HOST is what you would type after ssh, PORT and --user are what you would give with -p and -l; if HOST is the host name that an alias stands for, give the alias with --alias',
      examples: [
        ['fdpass explain host.example', 'what "ssh host.example" does, with the rule and the route'],
        ['FDPASS_VIA=tor fdpass explain host.example', 'the same for one connection through the hop tor'],
        [
          'fdpass explain --no-ssh --user root --alias web host.example 2222',
          'the rule and the route alone, with all that rules can match',
        ],
      ],
    },
    trace: {
      synopsis: '[options] HOST [PORT]',
      summary:
        'connect, show what happened when (look-ups, attempts, handshakes, the greeting of the server), and close; live on a terminal; the exit status is that of the connect form; PORT is 22 by default',
      examples: [
        ['fdpass trace host.example', 'where the time goes, and what fails'],
        ['fdpass trace --svg trace.svg host.example', 'a picture for a bug report'],
      ],
    },
    test: {
      synopsis: '[options] [HOST ...]',
      summary:
        'connect to each HOST (HOST:PORT for a port other than 22), several at once, and show its route, time and greeting, or why it failed; without HOST, to all hosts in ~/.ssh/config and ~/.ssh/known_hosts that a rule matches; exit status 69 if any fails',
      examples: [
        ['fdpass test', 'all hosts of ssh_config and known_hosts that have a rule'],
        ['fdpass test nas build.example:2222', 'these'],
      ],
    },
    doctor: {
      synopsis: '[options] [HOST]',
      summary:
        'check everything that a connection depends on (ssh and its files, the shell, the configuration, plugins, passwords, proxies, the agent, variables, the kernel), and say what is wrong and how to fix it; with HOST, also connect to HOST as ssh does; exit status 78 if there is an error (warnings and notes do not count)',
      examples: [
        ['fdpass doctor', 'when ssh does not connect, or after the set-up'],
        ['fdpass doctor host.example', 'with a connection to that host, as ssh makes it'],
      ],
    },
    check: {
      synopsis: '[options] [FILE]',
      summary:
        'list all errors and warnings in the configuration: where (file:line:column), what is wrong, what was probably meant; also test the conditions of its rules, and show which hold now',
      examples: [
        ['fdpass check', 'the configuration that is used'],
        ['fdpass check ./config.yaml', 'another one, before it is put in place'],
      ],
    },
    schema: {
      synopsis: '[options]',
      summary: 'print the JSON Schema of the configuration, plugins included, for editors',
      examples: [['fdpass schema >~/.config/fdpass/schema.json', 'for editors, with the options of plugins']],
    },
    strategies: {
      synopsis: '[options] [NAME|FILE]',
      summary: 'list the strategies, or the options of one, or what a plugin file offers',
      examples: [
        ['fdpass strategies', 'all of them'],
        ['fdpass strategies http-connect', 'the options of one'],
        ['fdpass strategies ./gateway.mjs', 'what a plugin offers, before a configuration names it'],
      ],
    },
    'test-strategy': {
      synopsis: '[options] FILE',
      summary:
        'test the strategy in a plugin file, on loopback, against everything that fdpass requires of a strategy (a banner in the same segment as the reply, single bytes, a connection that closes or is silent at any point, aborts, leaks); needs neither a project nor a configuration; exit status 70 if a check fails',
      examples: [
        [
          "fdpass test-strategy --use '{ strategy: gateway, host: 127.0.0.1, port: 7000 }' ./gateway.mjs",
          'with a server that runs already',
        ],
        [
          'fdpass test-strategy --server ./gateway.server.mjs ./gateway.mjs',
          'with a server that the suite starts: the file exports start(), which returns { options, close }',
        ],
        ['fdpass test-strategy --watch --server ./gateway.server.mjs ./gateway.mjs', 'again after each change'],
      ],
    },
    init: {
      synopsis: '[options]',
      summary:
        'write a first configuration and the lines for ssh_config, from your existing set-up: ProxyCommand lines with nc, ncat, connect, corkscrew, proxytunnel, socat or ssh -W, proxy variables, Tor; shows all changes and asks before it makes them',
      examples: [
        ['fdpass init --dry-run', 'what it would write'],
        ['fdpass init', 'shows it, and asks'],
      ],
    },
    config: {
      synopsis: '[options] path|edit',
      summary:
        'show where the configuration is, or edit it with VISUAL or EDITOR; what you save replaces the old one only if it has no errors',
      examples: [
        ['fdpass config edit', 'with VISUAL or EDITOR'],
        ['cd "$(dirname "$(fdpass config path)")"', 'the folder of the configuration'],
      ],
    },
    use: {
      synopsis: '[options] [PROFILE]',
      summary:
        'set the profile, e.g. "home" or "away", which rules can have as a condition, for all programs of this user; without PROFILE, show the current one',
      examples: [
        ['fdpass use home', 'rules with "profile: home" hold, and those with another profile do not'],
        ['fdpass use', 'the profile in use'],
        ['fdpass use --clear', 'no rule with "profile" holds'],
      ],
    },
    credentials: {
      synopsis: '[options] set HOP',
      summary:
        'ask for the password of a named hop, try it on the proxy, save it in a file that nobody else can read, and show the lines for the configuration',
      examples: [
        ['fdpass credentials set --user me corp', 'the password of the user me for the proxy of the hop corp'],
      ],
    },
    'last-error': {
      synopsis: '[options]',
      summary: 'show the last error, and when it happened, in case ssh hid what fdpass printed',
      examples: [
        ['fdpass last-error', 'after an ssh, an Ansible or a git that only said that the connection was closed'],
      ],
    },
    agent: {
      synopsis: '[options] run|start|stop|status|reload|install|uninstall',
      summary:
        'control the agent, a resident process with which a connection starts more than ten times as fast, in about twice the time that nc takes: run it in the foreground, start it in the background, stop it (once its sessions are over), show its status, reload it (a fresh one takes its place), install it (systemd or launchd then starts it), uninstall it',
      examples: [
        ['fdpass agent start', 'in the background'],
        ['fdpass agent status', 'what it has served'],
        ['fdpass agent start --listen 127.0.0.1:1080', 'also as a proxy for other programs'],
        ['fdpass agent install', 'with systemd or launchd, at every login'],
      ],
    },
    listen: {
      synopsis: '[options] [ADDRESS ...]',
      summary:
        'serve other programs as a SOCKS and HTTP proxy that connects by the rules; listens on ADDRESS (127.0.0.1:1080 by default; others are written as [::1]:1080 or unix:PATH) until it is interrupted',
      examples: [
        ['fdpass listen', 'on 127.0.0.1:1080, for everybody on this machine'],
        ['curl --proxy socks5h://127.0.0.1:1080 https://host.example/', 'a client of it'],
        [
          'fdpass listen 127.0.0.1:3128 unix:/run/user/1000/proxy.sock',
          'at two addresses; the socket is for this user alone',
        ],
        [
          'fdpass listen --allow-remote --password-file ~/proxy.txt 0.0.0.0:1080',
          'for other machines, with a password',
        ],
      ],
    },
    run: {
      synopsis: '[options] [--] COMMAND [ARG ...]',
      summary:
        'run COMMAND so that its connections follow the rules: as long as COMMAND runs, there is a proxy like that of listen, on a free port, and ALL_PROXY, HTTP_PROXY, HTTPS_PROXY and NO_PROXY, also in lower case, lead COMMAND to it; Node programs load fdpass/register; the exit status is that of COMMAND',
      examples: [
        ['fdpass run -- git clone https://git.example/project.git', 'one command'],
        ['fdpass run --via tor -- bash', 'a shell in which everything goes through the hop tor'],
        ['fdpass run -- node app.js', 'a Node program, which needs no setting for a proxy'],
      ],
    },
    exec: {
      synopsis: '[options] HOST PORT [--] COMMAND [ARG ...]',
      summary:
        'connect and become COMMAND, which gets the connected socket as its descriptors 6 (to read) and 7 (to write), and PROTO, TCPREMOTEIP, TCPREMOTEPORT, TCPLOCALIP and TCPLOCALPORT in its environment, as with tcpclient and other UCSPI clients; no process of fdpass stays, unless it has to relay bytes, as for TLS to a proxy',
      examples: [
        ["fdpass exec mail.example 25 -- sh -c 'cat <&6'", 'what the server says'],
        ['fdpass exec --stdio host.example 2000 -- cat', 'an echo service for the other side'],
      ],
    },
    completion: {
      synopsis: 'bash|zsh|fish',
      summary:
        'print a script with which a shell completes commands, options, hosts, hops and strategies; the script runs "fdpass completion hosts" (or hops, or strategies) to learn what is on this machine',
      examples: [
        ['source <(fdpass completion bash)', 'in ~/.bashrc'],
        ['source <(fdpass completion zsh)', 'in ~/.zshrc, after compinit'],
        ['fdpass completion fish >~/.config/fish/completions/fdpass.fish', 'for fish'],
      ],
    },
    help: {
      synopsis: '[COMMAND|CODE|errors]',
      summary: 'show this help, the help of one command with examples, or what an error code means',
      examples: [
        ['fdpass help explain', 'the same as fdpass explain --help'],
        ['fdpass help timeout', 'causes and remedies of an error that begins with [timeout]'],
        ['fdpass help errors', 'all codes'],
      ],
    },
  },
  options: {
    config: 'read this configuration instead of the usual one',
    via: 'go through this hop (a URL, a strategy or a named hop); repeat it for a chain, in travel order; replaces the rules; programs of the hop run in /',
    user: "the remote user, for rules that match it; in ssh_config write it as '%r', with the quotes",
    alias: "the host as the user typed it, for rules that match it; in ssh_config write it as '%n', with the quotes",
    timeout:
      "limit for the whole dial, handshakes included, e.g. 10, 500ms, 2m; 0 for no limit (default: the rule's, else 30)",
    stdio:
      'relay bytes over standard input and output, whatever they are connected to; with exec: the socket is the standard input and output of COMMAND',
    fdpass: 'pass the descriptor, or fail if that is not possible',
    verbose:
      'report progress on stderr; give it twice to see every attempt and wait, what fdpass and proxies say to each other, and the stack of an error in a plugin',
    log: 'append a full report to FILE, which must not be a pipe (useful since ssh can send stderr to /dev/null)',
    idle: 'the agent exits after this time without a client, e.g. 2h; 0 for never (default 30m)',
    use: 'the hop to test, as you would write it in a configuration, e.g. a URL or { strategy: NAME, ... }; relative paths in it start at the folder of the plugin; its server must be running and able to reach ports of 127.0.0.1',
    server: 'the module that starts the server for the tests, and returns the options to reach it with',
    skip: 'leave out the check with this name',
    watch: 'test again whenever a module changes in the folder of the plugin or of the server',
    listen: 'make the agent a proxy on ADDRESS too, as "fdpass listen ADDRESS" is; it then does not exit by itself',
    'no-ssh': 'do not ask ssh: show what the rules say about HOST and PORT as given (PORT is 22 by default)',
    'allow-remote': 'listen on an address that other machines can reach; needs --password-file',
    'password-file':
      'require a user name and a password from every client: the first line of FILE is USER:PASSWORD, and nobody else may be able to read FILE',
    'no-password':
      'do not protect the proxy with a random password, for a COMMAND that does not take it from the variables; every user of this machine can then use the proxy',
    clear: 'clear the profile',
    yes: 'make the changes without asking',
    'dry-run': 'show the changes and make none',
    json: 'print JSON; an error is one JSON object in the last line of stderr (code, message, hint, target, rule, hop, attempts, routes, where, exitStatus)',
    svg: 'also write the picture to FILE, for a bug report',
  },
  exitNote: CODES_NOTE,
  examples: [
    [
      "# A host with a ProxyCommand of its own\nHost legacy.example\n    ProxyCommand nc -X connect -x proxy.example:3128 %h %p\n    ProxyUseFdpass no\n\n# Every other host. This block must be the last one.\nHost *\n    ProxyCommand fdpass --user '%r' --alias '%n' %h %p\n    ProxyUseFdpass yes",
      'in ~/.ssh/config: every connection follows the rules',
    ],
    [
      'ssh -o ProxyCommand="fdpass --via socks5://127.0.0.1:1080 %h %p" -o ProxyUseFdpass=yes host.example',
      'one connection through a SOCKS proxy',
    ],
    ['fdpass explain host.example', 'which rule and route ssh will use'],
    ['fdpass --stdio mail.example 25', 'talk to a server by hand, as with nc'],
    [
      'socat TCP-LISTEN:2222,bind=127.0.0.1,fork EXEC:"fdpass --stdio host.example 22"',
      'forward local port 2222 to port 22 of a host',
    ],
  ],
  files: [
    [
      '$XDG_CONFIG_HOME/fdpass/config.yaml',
      "the user's configuration (in ~/.config/fdpass/ if XDG_CONFIG_HOME is not set); config.yml, config.json and fdpass.* work too",
    ],
    ['/etc/fdpass/config.yaml', "the system's configuration, read if the user has none"],
    [
      '$XDG_RUNTIME_DIR/fdpass/agent.sock',
      "the agent's socket (in $XDG_CACHE_HOME/fdpass/, ~/.cache/fdpass/ by default, if XDG_RUNTIME_DIR is not set)",
    ],
    [
      '$XDG_CACHE_HOME/fdpass/',
      'the cache, which nobody else can read (~/.cache/fdpass/ by default): compiled code, parsed configurations that hold no secret, which routes have worked ("remember"), and which node can start quickly; you can delete it at any time',
    ],
    [
      '$XDG_STATE_HOME/fdpass/last-error.json',
      'what "fdpass last-error" shows, which nobody else can read (in ~/.local/state/fdpass/ by default); it holds no secret',
    ],
    ['$XDG_STATE_HOME/fdpass/profile', 'the profile that "fdpass use" has set'],
  ],
  environment: [
    ['FDPASS_CONFIG', 'names a configuration file, as --config does'],
    [
      'FDPASS_VIA',
      'the hops of --via, separated by blanks, for one command: FDPASS_VIA=tor ssh host.example; programs that fdpass runs do not get it',
    ],
    ['FDPASS_VERBOSE', 'how many times -v is given, e.g. FDPASS_VERBOSE=2 ssh host.example'],
    ['FDPASS_LOG', 'the file of --log, as an absolute path'],
    [
      'XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_STATE_HOME',
      'the folders of the configuration, of the cache, and of the state (the last error, the profile)',
    ],
    ['FDPASS_LISTENER', 'set for the command of "fdpass run": the address of its proxy'],
    ['FDPASS_AGENT', "the absolute path of the agent's socket; the word none connects without the agent"],
    [
      'FDPASS_INSIDE',
      'set for programs that fdpass runs, so that an fdpass started by one of them does not run the same program again, and so on without end',
    ],
    NODE_OPTIONS,
  ],
});

export const FDRECV_USAGE: ProgramSpec = describe(FDRECV, {
  summary: 'run a command that passes a descriptor, and describe or bridge what it passed',
  description: [
    'fdrecv runs COMMAND as ssh(1) runs a ProxyCommand with ProxyUseFdpass yes: its standard input and output are one end of a socketpair. It receives the descriptor that COMMAND passes, waits for COMMAND to exit, and prints what the descriptor is: family, local and peer address.',
    'With --stdio it bridges the descriptor to its own standard input and output instead, so that any descriptor-passing program works with clients that do not support descriptor passing.',
    'With --exec it becomes PROGRAM, which gets the descriptor, as from tcpclient(1) or another UCSPI client. If COMMAND fails, PROGRAM is not run.',
  ],
  commands: { '': { synopsis: '[options] COMMAND [ARG ...] [-- PROGRAM [ARG ...]]', summary: 'receive a descriptor' } },
  options: {
    stdio:
      'relay bytes between the descriptor and standard input and output; with --exec: it is the standard input and output of PROGRAM',
    exec: 'become PROGRAM, which is written after COMMAND and "--", with the descriptor as its descriptors 6 and 7, and with the variables of a UCSPI client',
    json: 'describe the descriptor in JSON',
    timeout: 'limit for COMMAND to pass its descriptor, e.g. 10, 500ms, 2m; 0 for no limit (default 0)',
  },
  exitNote: CODES_NOTE,
  examples: [
    ['fdrecv fdpass localhost 22', 'what fdpass would hand to ssh'],
    ['fdrecv nc -F localhost 22', 'the same for any other program that passes descriptors'],
    [
      'ssh -o ProxyCommand="fdrecv --stdio fdpass %h %p" host.example',
      'descriptor passing behind a plain ProxyCommand',
    ],
    ["fdrecv --exec nc -F localhost 25 -- sh -c 'cat <&6'", 'a program on the descriptor that nc has passed'],
  ],
  files: [],
  environment: [NODE_OPTIONS],
});

/** A program with its words. @throws an Error if a command or an option has none. */
function describe(syntax: ProgramSyntax, { commands, options, ...text }: ProgramWords): ProgramSpec {
  return {
    ...text,
    name: syntax.name,
    commands: syntax.commands.map((command) => ({ ...command, ...wordsFor(command.name, commands) })),
    options: syntax.options.map((option) => ({ ...option, help: wordsFor(option.name, { ...options, ...COMMON }) })),
  };
}

function wordsFor<T>(name: string, words: Readonly<Record<string, T>>): T {
  const found = words[name];
  if (found === undefined) throw new Error(`no words for ${JSON.stringify(name)}`);
  return found;
}

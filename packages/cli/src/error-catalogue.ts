import type { ErrorCode } from '@fdpass/core';

/*
 * What each code of an error means. `fdpass help CODE` shows an entry, and docs/errors.md is made of all of them. A test runs
 * the examples.
 */

/** One reason for a code, and what to do about it. */
export interface ErrorCause {
  /** What the line says, or a part of it. */
  readonly said: string;
  readonly cause: string;
  /** An imperative. */
  readonly remedy: string;
}

export interface ErrorEntry {
  /** Who has to do something, in a sentence. */
  readonly about: string;
  readonly causes: readonly ErrorCause[];
  /** A command, after a prompt, and what it prints. */
  readonly example: readonly string[];
}

export const ERROR_CATALOGUE: Readonly<Record<ErrorCode, ErrorEntry>> = {
  usage: {
    about: 'The command line is not valid. fdpass has not tried to connect.',
    causes: [
      {
        said: 'stdout is a terminal',
        cause: 'the ProxyCommand form was typed by hand, and a terminal cannot take a connection',
        remedy: 'use "fdpass trace HOST" to see whether it connects, or --stdio to talk to the server yourself',
      },
      {
        said: 'stdout is not a unix socket',
        cause: '--fdpass is set, but the client wants bytes',
        remedy: 'set ProxyUseFdpass yes beside the ProxyCommand, or leave out --fdpass',
      },
      {
        said: 'unknown option, the port is missing, too many operands',
        cause: 'a typo, or %h or %p is missing in the ProxyCommand',
        remedy: 'compare it with "fdpass help connect"',
      },
      {
        said: 'the host ..., the user ..., the alias ...',
        cause: 'the name has characters that are not allowed in one, since a shell or ssh could misread them',
        remedy: 'correct the name; for names that are not host names see "fdpass strategies local"',
      },
    ],
    example: [
      '$ fdpass explian server.example',
      'fdpass: [usage] "explian" is not a command, and a host needs a port; did you mean "explain"?',
    ],
  },
  protocol: {
    about: 'A proxy, or a program that fdpass has started, gave a reply that its protocol does not allow.',
    causes: [
      {
        said: 'the proxy does not speak HTTP, ... SOCKS5, ... SOCKS 4',
        cause: 'something else listens on that port: the scheme or the port of the URL is wrong',
        remedy: 'correct the URL; the hint says what seems to listen there',
      },
      {
        said: 'does not speak TLS on this port, closed the connection during the TLS handshake',
        cause: 'the URL says https:// (or ...+tls://), but the proxy does not use TLS on that port',
        remedy: 'use the scheme without TLS, or the port for TLS',
      },
      {
        said: 'the proxy answered 405, 501 or an unusual status',
        cause: 'it is a web server, or a proxy without the CONNECT method',
        remedy: 'check host and port, and ask for a proxy that allows CONNECT',
      },
      {
        said: 'the server greeted with ..., not with ...',
        cause: 'what answers on that port is not what "expect" says, but a web server, TLS, a captive portal',
        remedy: 'check the host and the port, and what "expect" says',
      },
      {
        said: 'closed without passing a descriptor, sent data but no descriptor',
        cause: 'the program of a "command" hop with "fdpass: true", or of fdrecv, does not pass descriptors',
        remedy: 'leave out "fdpass: true"',
      },
    ],
    example: [
      '$ fdpass --stdio --via socks5h://server.example:22 nas.example 22',
      'fdpass: [protocol] nas.example:22: --via: socks5h://server.example:22: the proxy does not speak SOCKS5: it answered with version 83; it is an ssh server, not a proxy: check its host and port',
    ],
  },
  'unknown-host': {
    about:
      'A name has no address, or could not be looked up. It can be the name of the target, of a proxy or of a jump host.',
    causes: [
      {
        said: 'no such host',
        cause: 'the name is misspelt, or known only inside another network',
        remedy:
          'correct it, connect the VPN, or use a hop that looks names up at the far end: socks5h://, http://, jump',
      },
      {
        said: 'no IPv4 address, no IPv6 address',
        cause: 'the name has no address of the family that the options of the hop ask for',
        remedy: 'leave out "family" and "bindAddress"',
      },
      {
        said: 'temporary failure in name resolution, the resolver failed',
        cause: 'the name server did not answer',
        remedy: 'check the network, the VPN and /etc/resolv.conf',
      },
      {
        said: 'the name server ... failed (SERVFAIL)',
        cause: 'a name server of "dns" cannot or will not answer for that name',
        remedy: 'check "dns" of the rule or the hop; with it, fdpass does not ask the system\'s name servers',
      },
      {
        said: 'the SRV record ... says that this service is not offered there',
        cause: 'the domain publishes that it has no such server',
        remedy: 'leave out the hop "srv", and name the host itself',
      },
    ],
    example: [
      '$ fdpass --stdio sevrer.example 22',
      'fdpass: [unknown-host] sevrer.example:22: no configuration: cannot look up sevrer.example: no such host; check the spelling',
    ],
  },
  unreachable: {
    about:
      'The other end refused or closed the connection, or there is no route to it. The line says which hop and address.',
    causes: [
      {
        said: 'connection refused',
        cause: 'the machine is up, and nothing listens on that port',
        remedy: 'start the server, or correct the port',
      },
      {
        said: 'network unreachable, no route to host, network is down',
        cause: 'this machine has no route to that address',
        remedy: 'connect the network or the VPN; for IPv6 alone, see whether IPv4 works',
      },
      {
        said: 'connection reset, closed ...',
        cause: 'the proxy or the server hung up: it is overloaded, blocks this address, or has crashed',
        remedy: 'look in its log',
      },
      {
        said: 'the server closed the connection before it greeted, ... after it had said ...',
        cause:
          'a forwarding whose far end is down, or a server with too many connections (MaxStartups) or that blocks this address',
        remedy: 'see whether the server runs, and look in its log',
      },
      {
        said: 'the proxy answered 500, 502 or 503, the proxy answered: host unreachable',
        cause: 'the proxy works, but cannot reach the target',
        remedy: 'check the name and the port of the target as the proxy sees them',
      },
      {
        said: '"ssh" ended with status 255 before anything came through it',
        cause: 'the ssh to the jump host failed, or the jump host cannot reach the target',
        remedy: 'run "ssh JUMPHOST" by hand; the line before this one is what ssh said',
      },
      {
        said: 'before: "vpn-up" ended with status 1: ...',
        cause:
          'the command that the rule runs before a dial ("before") has failed; the line ends with what it printed last',
        remedy: 'run the command by hand in the folder of the configuration',
      },
      {
        said: 'none of 3 routes works',
        cause: 'every route, host or server of the hop has failed',
        remedy: 'read the lines below it: one for each, with its own reason',
      },
    ],
    example: [
      '$ fdpass --stdio refusing.example 22',
      'fdpass: [unreachable] refusing.example:22: no configuration: cannot connect to refusing.example:22: connection refused (198.51.100.30:22 connection refused); check that it is running, and the port',
    ],
  },
  internal: {
    about: 'fdpass or a plugin has a fault, or this system lacks something that fdpass needs.',
    causes: [
      {
        said: '...; please report it',
        cause: 'a fault of fdpass',
        remedy: 'run it again with -vv, and report what it prints',
      },
      {
        said: 'the plugin ... gave no connection, ... called dial() ..., ... failed',
        cause: 'a fault of that plugin',
        remedy: 'tell its author; -vv shows the stack',
      },
      {
        said: 'no file descriptor left',
        cause: 'the process or the system has too many files open',
        remedy: 'raise the limit with "ulimit -n"',
      },
      {
        said: 'cannot write the output, cannot write to stdout, cannot read the input',
        cause: 'a disk is full, or a file or device on stdin or stdout failed',
        remedy: 'make room, or redirect it elsewhere',
      },
      {
        said: 'cannot load koffi, descriptors cannot be passed on ...',
        cause: 'there is no way to make system calls on this platform',
        remedy: 'use --stdio, and ProxyUseFdpass no in ssh_config',
      },
    ],
    example: [
      '$ echo \'export const odd = { name: "odd", create: () => ({ dial: async () => {} }) };\' >odd.mjs',
      "$ echo '{ plugins: [./odd.mjs], rules: [{ use: odd }] }' >odd.yaml",
      '$ fdpass --stdio --config odd.yaml server.example 22',
      'fdpass: [internal] server.example:22: rule 1 (/home/me/odd.yaml:1:33): odd: the plugin "./odd.mjs" gave no connection; resolve dial() to a Connection or a Duplex',
    ],
  },
  timeout: {
    about: 'Nothing answered before the limit, which is 30 seconds unless --timeout or "timeout" sets another.',
    causes: [
      {
        said: 'timed out after 60 s: tried 5 times, and the last time: ...',
        cause: 'no try of "retry" worked before the time was over',
        remedy: 'fix what the end of the line reports, or raise "within" of "retry"',
      },
      {
        said: 'before: "vpn-up" has not ended within 60 s',
        cause: 'the command that the rule runs before a dial ("before") hangs, or needs longer',
        remedy: 'run the command by hand, or raise its "timeout"',
      },
      {
        said: 'timed out after 120 s: it does not wake up, and the last try failed: ...',
        cause: 'the host was woken ("wake"), but did not answer in time',
        remedy: 'check "mac" and "broadcast" and that Wake-on-LAN is on in the host, or raise "within"',
      },
      {
        said: 'timed out after 30 s (... no answer)',
        cause: 'packets to that address get lost: the host is off, or a firewall drops them',
        remedy: 'check the VPN and the address; try another route with --via',
      },
      {
        said: 'connected to ..., but no HTTP response came, ... no SOCKS reply came',
        cause: 'it is not a proxy of that kind, or it waits for a target that does not answer',
        remedy: 'check the scheme and the port of the URL, then the target',
      },
      {
        said: 'connected, but the server has not greeted within 5 s',
        cause: 'what accepts the connection is not the server itself, or the server is very slow',
        remedy: 'see whether the server runs, or raise "expectTimeout"',
      },
      {
        said: 'it did not answer the TLS handshake',
        cause: 'the proxy does not use TLS on that port',
        remedy: 'use the scheme without TLS, or the port for TLS',
      },
      {
        said: 'no answer from the name server ...',
        cause: 'a name server of "dns" cannot be reached from this network',
        remedy: 'connect the VPN, or give the rule a condition: reachable, interface',
      },
      {
        said: 'the program of "exec" did not end within 5 s',
        cause: 'a rule has a program as a condition ("exec"), and the program does not exit',
        remedy: 'see what the program waits for, or give it more time: exec: { command: [...], timeout: 20s }',
      },
      {
        said: 'the proxy answered 504, ... TTL expired',
        cause: 'the proxy works, but the target did not answer it',
        remedy: 'check the target',
      },
      {
        said: 'timed out while you were typing a password or a code',
        cause: 'the limit is for the whole dial, questions included',
        remedy: 'raise "timeout" of that rule, e.g. to 2m',
      },
    ],
    example: [
      '$ fdpass --stdio --timeout 1 --via http://silent.example:22 server.example 22',
      'fdpass: [timeout] server.example:22: --via: http://silent.example:22: timed out after 1 s: connected to silent.example:22, but no HTTP response came; check that it is an HTTP proxy, not a SOCKS or TLS one, and that the target answers',
    ],
  },
  permission: {
    about: 'A proxy or this system does not allow it, or a password is missing or wrong.',
    causes: [
      {
        said: 'the proxy wants a user name and a password',
        cause: 'the hop has no "credentials"',
        remedy: 'set them with "fdpass credentials set HOP"',
      },
      {
        said: 'the proxy refused the user name or the password',
        cause: 'they are wrong, or have expired',
        remedy: 'set them again with "fdpass credentials set HOP"',
      },
      {
        said: 'the proxy answered 403, connection not allowed by the ruleset',
        cause: 'the proxy forbids that host or port; many allow no port but 443',
        remedy: 'ask whoever runs it, or let sshd listen on port 443 too',
      },
      {
        said: 'cannot ask for the password: there is no terminal',
        cause: '"ask" needs a user at a terminal',
        remedy: 'use passwordFile, passwordEnv or passwordCommand, or set SSH_ASKPASS',
      },
      {
        said: '"ssh" ended with status 255 ...: Permission denied, ... Host key verification failed',
        cause: 'the jump host did not let ssh in, or ssh had a question and nowhere to ask it',
        remedy: 'run "ssh JUMPHOST" by hand, or set "terminal: true" for the hop',
      },
      {
        said: 'TLS with ... failed, ... another fingerprint',
        cause: 'the certificate of the proxy is not trusted',
        remedy: 'name its authority with "tls.ca", or pin it with "tls.fingerprint"',
      },
      {
        said: 'operation not permitted, permission denied',
        cause: 'the system does not let you use an option (mark, bindInterface, transparent), a socket or a file',
        remedy: 'leave the option out, or give Node the capability that the line names',
      },
    ],
    example: [
      '$ fdpass --stdio --via http://proxy.example:8080 server.example 22',
      'fdpass: [permission] server.example:22: --via: http://proxy.example:8080: the proxy wants a user name and a password (basic); add "credentials" to the hop',
    ],
  },
  config: {
    about: 'The configuration, or something that it names, is wrong. fdpass never connects as if it were not there.',
    causes: [
      {
        said: 'FILE:LINE:COLUMN: ...',
        cause: 'a mistake at that place',
        remedy: 'correct it; "fdpass check" lists all of them',
      },
      {
        said: 'others can write ..., ... belongs to user ...',
        cause: 'somebody else could change the file, so it is not trusted',
        remedy: 'run the command that the line ends with',
      },
      {
        said: 'opens sockets itself, so it can only be the first hop of a chain',
        cause: 'the order of the hops is wrong: a chain lists them in travel order',
        remedy: 'put it first, or leave it out',
      },
      {
        said: 'no such file or directory',
        cause: 'a password file, a key, a plugin, or the file of --config or FDPASS_CONFIG is missing',
        remedy: 'correct the path: relative ones start at the folder of the configuration',
      },
      {
        said: 'cannot run the program of "exec", the program of "exec" ended with ...',
        cause: 'the program of a condition says neither yes nor no, and the next rule could be a direct connection',
        remedy: 'install the program, or correct its path; "fdpass check" runs it too',
      },
      {
        said: '... which asks fdpass for ... again, without end',
        cause: 'the ssh to the jump host goes through the same rule',
        remedy: 'add a rule for the jump host above it',
      },
    ],
    example: [
      "$ echo 'rules: [{ use: { strategy: direct, hosst: 192.0.2.1 } }]' >wrong.yaml",
      '$ fdpass --stdio --config wrong.yaml server.example 22',
      'fdpass: [config] /home/me/wrong.yaml:1:36: rule 1: direct: unknown option "hosst"; did you mean "host"?',
    ],
  },
};

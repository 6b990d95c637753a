#!/bin/sh
':' //; set -f
':' /*
# This file is in two languages. A shell runs it down to "exit". Node sees a comment there and runs what follows. So it is
# Node that follows the links to this file, for which a shell would have to start a program.

# Our own variables begin with "fdpass_": a shell exports again whatever the environment has, so what we assign to one of the
# user's would reach every program that we run.

# The user has set these for other programs. They can load modules or compiled code from the current directory, which may be
# a stranger's clone, wait for a debugger, or write where ssh reads.
fdpass_variables='NODE_OPTIONS NODE_PATH NODE_DEBUG NODE_COMPILE_CACHE NODE_V8_COVERAGE NODE_ICU_DATA NODE_REDIRECT_WARNINGS
  NODE_PENDING_DEPRECATION NODE_PRESERVE_SYMLINKS NODE_PRESERVE_SYMLINKS_MAIN NODE_REPL_EXTERNAL_MODULE'
case " $* " in
  *' run '* | *' exec '* | *' --exec '*) # their command gets them back
    for fdpass_name in $fdpass_variables; do
      eval "[ -z \"\${$fdpass_name+set}\" ] || export FDPASS_USER_$fdpass_name=\"\$$fdpass_name\""
    done ;;
esac
unset $fdpass_variables NODE_CHANNEL_FD NODE_UNIQUE_ID
[ -z "${FDPASS_NODE_OPTIONS-}" ] || export NODE_OPTIONS="$FDPASS_NODE_OPTIONS"

IFS=:
fdpass_newline='
'
fdpass_left_to=${FDPASS_LEFT_TO-} # what the Perl has left it to: ssh or node
unset FDPASS_LEFT_TO

# An agent does all of this in a fraction of the time. Its client hands it our streams, our environment and a command of one line
# for each word, and exits with the status of the agent. See docs/agent-protocol.md. It is asked before the shell reads what only
# the others need.
fdpass_agent=${XDG_RUNTIME_DIR:-${XDG_CACHE_HOME:-${HOME-}/.cache}}/fdpass/agent.sock
fdpass_agent=${FDPASS_AGENT:-$fdpass_agent}
fdpass_last=
for fdpass_last; do :; done
case $fdpass_last in '' | *[!0-9]*) fdpass_left_to=node ;; esac # not the port that a connection ends with
case $0$* in [!/]* | *"$fdpass_newline"*) fdpass_left_to=node ;; esac
case ${0##*[/]} in fdrecv*) fdpass_left_to=node ;; esac
case $fdpass_agent in [!/]* | *[!A-Za-z0-9_./@:+,-]*) fdpass_left_to=node ;; esac # ssh would replace parts of it

# Only if stdout is a socket, which can take a descriptor, and only an agent of our own: under sudo the environment can name another
# user's. A link could belong to another user, and lead elsewhere a moment later.
[ "$fdpass_left_to" != node ] && [ -z "${FDPASS_NODE_OPTIONS-}" ] && [ -S /dev/fd/1 ] && [ -S "$fdpass_agent" ] &&
  [ -O "$fdpass_agent" ] && [ -O "${fdpass_agent%/*}" ] && [ ! -L "${fdpass_agent%/*}" ] || fdpass_left_to=node

# The Perl below starts in about half the time that ssh takes. It becomes this script again for what it leaves to ssh or to Node. Not
# where variables, which the agent has to get as they are, would make it load modules or write where ssh reads.
if [ -z "$fdpass_left_to${PERL5OPT+set}${PERLIO+set}${PERLIO_DEBUG+set}${PERL_HASH_SEED_DEBUG+set}" ] &&
  [ -e /proc/self/exe ] && [ -x /usr/bin/perl ] && [ -e /dev/fd/0 ] && [ -e /dev/fd/2 ]; then
  fdpass_locale=${LC_ALL+=$LC_ALL}
  export LC_ALL=C # others take longer, and a warning where they are missing
  exec /usr/bin/perl -f -C0 -x "$0" "$fdpass_agent" "$fdpass_locale" "$@"
fi

# Finds a program in PATH, then in the folder of the link that we were started by: npm, nvm and fnm put it beside their node. A
# relative folder would be looked for in the current directory.
find_program() {
  for fdpass_folder in $PATH "${0%/*}"; do
    fdpass_program=$fdpass_folder/$1
    case $fdpass_folder in
      /*) [ -f "$fdpass_program" ] && [ -x "$fdpass_program" ] && return ;;
    esac
  done
  return 1
}

# ssh exits with 255 if there is no agent, or if the agent leaves the work to us.
if [ "$fdpass_left_to" != node ] && find_program ssh; then
  IFS=$fdpass_newline
  "$fdpass_program" -F none -q -T -S "$fdpass_agent" -o ProxyCommand=false -o 'SendEnv=*' agent "$0$fdpass_newline$*"
  fdpass_status=$?
  IFS=:
  [ "$fdpass_status" = 255 ] || exit "$fdpass_status"
fi

find_program node && exec "$fdpass_program" "$0" "$@"

# The node that built this clone; a published package has none.
fdpass_self=$(PATH=/usr/bin:/bin && readlink -f "$0" 2>/dev/null)
fdpass_built_with=${fdpass_self%/*}/../built-with-node
[ -n "$fdpass_self" ] && [ -x "$fdpass_built_with" ] && exec "$fdpass_built_with" "$0" "$@"

printf '%s: [config] node is not in PATH or beside %s; say where it is: env PATH="/folder/of/node:$PATH" %s\n' \
  "${0##*[/]}" "$0" "$0" >&2
exit 78

#!/usr/bin/perl
# `perl -x` begins here. Modules, even strict, would take longer to load than the rest of it takes.
my ($socket, $locale, @words, $agent, $is_connected, $uid, $is_asked, $SOL_SOCKET, $MSG_NOSIGNAL, $MUX_HELLO, $HELLO_LIMIT_S);

# Perl runs a block BEGIN before it compiles what follows. The agent takes that time for its own first steps.
BEGIN {
  ($socket, $locale, @words) = @ARGV;
  ($SOL_SOCKET, $HELLO_LIMIT_S) = (1, 5);
  my ($AF_UNIX, $SOCK_STREAM, $SO_SNDTIMEO) = (1, 1, 21);
  socket $agent, $AF_UNIX, $SOCK_STREAM, 0;
  setsockopt $agent, $SOL_SOCKET, $SO_SNDTIMEO, pack 'l!2', $HELLO_LIMIT_S, 0; # not q, which a 32-bit Perl may not have
  $is_connected = connect $agent, pack 'S a*', $AF_UNIX, $socket;
}

BEGIN {
  delete $ENV{LC_ALL};
  $ENV{LC_ALL} = substr $locale, 1 if $locale ne '';
  ($MSG_NOSIGNAL, $MUX_HELLO) = (0x4000, 1);
  my ($SO_PEERCRED, $MUX_NEW_SESSION) = (17, 0x10000002);
  $uid = (unpack 'i I', getsockopt $agent, $SOL_SOCKET, $SO_PEERCRED)[1] if $is_connected; # struct ucred
  if (defined $uid && $uid == $>) { # what the shell looked at may have been replaced: the environment can have passwords in it
    my $hello = pack 'N2', $MUX_HELLO, 4;
    my @environment = map { "$_=$ENV{$_}" } sort keys %ENV;
    my $session = pack 'N x32 (N/a*)*', $MUX_NEW_SESSION, join("\n", $0, @words), @environment;
    $is_asked = send $agent, pack('(N/a*)*', $hello, $session), $MSG_NOSIGNAL;
  }
}
leave_to($is_connected && !defined $uid ? 'ssh' : 'node') if !$is_asked; # undefined where the option has another number

# Perl has system calls by number only, and these differ between machines: sendmsg and exit_group. The other numbers are the same on
# those here.
open my $perl, '<', '/proc/self/exe' or leave_to('ssh');
sysread $perl, my $elf, 20;
my ($class, $machine) = unpack 'x4 C x13 S', $elf;
my $generic = [211, 94];
my %calls_of = (62 => [46, 231], 183 => $generic, 243 => $generic, 258 => $generic); # x86-64, arm64, RISC-V, LoongArch (elf.h)
my ($sendmsg, $exit_group) = @{$class == 2 && $calls_of{$machine} || leave_to('ssh')};
my ($SO_RCVTIMEO, $SCM_RIGHTS, $MSG_WAITALL, $MUX_SESSION_OPENED, $MUX_EXIT_MESSAGE) = (20, 1, 0x100, 0x80000006, 0x80000004);
my $parent = getppid;

my $status = pass_streams();
leave_to('node') if !defined $status || $status == 255;
syscall $exit_group, $status; # Perl's own end takes a while to free what the kernel frees anyway
exit $status;

# The exit status; undefined if the agent does not speak the protocol.
sub pass_streams {
  setsockopt $agent, $SOL_SOCKET, $SO_RCVTIMEO, pack 'q2', $HELLO_LIMIT_S, 0;
  # Each answer begins with its length, which is known.
  recv $agent, my $answer, 12, $MSG_WAITALL;
  return if $answer ne pack 'N3', 8, $MUX_HELLO, 4;
  pass($_) or return for 0 .. 2; # not to one that does not answer: it would hold them
  setsockopt $agent, $SOL_SOCKET, $SO_RCVTIMEO, pack 'q2', 0, 0; # a dial has its own limits
  recv $agent, $answer, 32, $MSG_WAITALL;
  my (undef, $opened, undef, undef, undef, $exit, undef, $status) = unpack 'N8', $answer;
  return $status if $opened == $MUX_SESSION_OPENED && $exit == $MUX_EXIT_MESSAGE;
  return has_left() && $parent == getppid ? 0 : undef; # an agent that was killed may have passed the descriptor before
}

# Whether whoever waits for the descriptor has closed its end. Nothing is sent, and that fails (EPIPE) all the same.
sub has_left { return !defined send STDOUT, '', $MSG_NOSIGNAL }

sub leave_to {
  $ENV{FDPASS_LEFT_TO} = $_[0];
  exec '/bin/sh', $0, @words;
  exit 255;
}

# Passes a descriptor with one byte: struct iovec, cmsghdr and msghdr of 64-bit Linux.
sub pass {
  my ($fd) = @_;
  my $vector = pack 'P q', "\0", 1;
  my $rights = pack 'q i3 x4', 20, $SOL_SOCKET, $SCM_RIGHTS, $fd;
  my $message = pack 'x16 P q P q x8', $vector, 1, $rights, length $rights;
  return syscall($sendmsg, fileno $agent, $message, $MSG_NOSIGNAL) == 1;
}
__END__
*/
try {
  // Not by require(), which looks at every folder and link on the way.
  const launcher = `${__dirname}/../bundle/launch.cjs`;
  const source = require('fs').readFileSync(launcher, 'latin1'); // a function, as all our bundles are
  require('vm').runInThisContext(source, launcher)(exports, require, module);
  module.exports.launch(__filename, require);
} catch ({ code, message, path = message }) {
  const isBundleMissing = /^(ENOENT|MODULE_NOT_FOUND)$/.test(code) && /\/bundle\/[a-z]+\.cjs/.test(path);
  const reason =
    (isBundleMissing && 'not built yet; run: npm run build') ||
    (code === 'EMFILE' && 'no file descriptor left in this process; raise the limit: ulimit -n') ||
    `${String(message).split('\n', 1)[0]}; please report it`;
  process.stderr.write(`${__filename.replace(/.*\/|\.cjs$/g, '')}: [internal] ${reason}\n`);
  process.exit(70);
}

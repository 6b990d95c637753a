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
fdpass_left_to=${FDPASS_LEFT_TO-} # what an agent's client has left it to
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

# A compiled program that asks the agent in a quarter of the time that ssh takes (ask-agent.c). It becomes this script again for what
# it leaves to Node. Agents put it beside their socket when they have run it there. Machines can share that folder, and another
# processor's program would be read as a script, so the name ends with the boot id of the kernel that it was run on.
fdpass_boot=/proc/sys/kernel/random/boot_id
if [ -z "$fdpass_left_to" ] && [ -r "$fdpass_boot" ] && [ -e /dev/fd/0 ] && [ -e /dev/fd/2 ] && read -r fdpass_boot <"$fdpass_boot"; then
  fdpass_client=${fdpass_agent%/*}/ask-agent-$fdpass_boot
  if [ -x "$fdpass_client" ] && [ -O "$fdpass_client" ]; then
    export FDPASS_LEFT_TO=node
    exec "$fdpass_client" "$fdpass_agent" "$0" "$@"
  fi
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

# A sixth of Node's start goes into new seeds for V8's hash tables, without which strangers can know which keys collide. A process for
# one connection does not need them. Only a node that has noted that it knows this option gets it (known-node.ts): its time is
# between those of two files.
can_start_quickly() {
  [ -z "${NODE_OPTIONS-}" ] || return 1
  case $fdpass_last in '' | *[!0-9]*) return 1 ;; esac
  case ${0##*[/]} in fdrecv*) return 1 ;; esac
  case ":$*:" in *:listen:* | *:run:* | *:agent:*) return 1 ;; esac
  fdpass_mark=${XDG_CACHE_HOME:-${HOME-}/.cache}/fdpass/known-nodes$fdpass_program
  case $fdpass_mark in [!/]*) return 1 ;; esac
  [ -f "$fdpass_mark.older" ] && [ "$fdpass_program" -nt "$fdpass_mark.older" ] && [ "$fdpass_mark.newer" -nt "$fdpass_program" ]
}
if find_program node; then
  can_start_quickly "$@" && exec "$fdpass_program" --no-rehash-snapshot "$0" "$@"
  exec "$fdpass_program" "$0" "$@"
fi

# The node that built this clone; a published package has none.
fdpass_self=$(PATH=/usr/bin:/bin && readlink -f "$0" 2>/dev/null)
fdpass_built_with=${fdpass_self%/*}/../built-with-node
[ -n "$fdpass_self" ] && [ -x "$fdpass_built_with" ] && exec "$fdpass_built_with" "$0" "$@"

printf '%s: [config] node is not in PATH or beside %s; say where it is: env PATH="/folder/of/node:$PATH" %s\n' \
  "${0##*[/]}" "$0" "$0" >&2
exit 78

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

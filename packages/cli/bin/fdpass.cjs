#!/bin/sh
':' //; set -f
':' /*
# This file is in two languages. A shell runs it down to "exit". Node sees a comment there and runs what follows. So it is
# Node that follows the links to this file, for which a shell would have to start a program.

# The user has set these for other programs. They can load modules or compiled code from the current directory, which may be
# a stranger's clone, wait for a debugger, or write where ssh reads.
variables='NODE_OPTIONS NODE_PATH NODE_DEBUG NODE_COMPILE_CACHE NODE_V8_COVERAGE NODE_ICU_DATA NODE_REDIRECT_WARNINGS
  NODE_PENDING_DEPRECATION NODE_PRESERVE_SYMLINKS NODE_PRESERVE_SYMLINKS_MAIN NODE_REPL_EXTERNAL_MODULE'
case " $* " in
  *' run '* | *' exec '* | *' --exec '*) # their command gets them back
    for name in $variables; do eval "[ -z \"\${$name+set}\" ] || export FDPASS_USER_$name=\"\$$name\""; done ;;
esac
unset $variables NODE_CHANNEL_FD NODE_UNIQUE_ID
[ -z "${FDPASS_NODE_OPTIONS-}" ] || export NODE_OPTIONS="$FDPASS_NODE_OPTIONS"

IFS=:

# Finds a program in PATH, then in the folder of the link that we were started by: npm, nvm and fnm put it beside their node. A
# relative folder would be looked for in the current directory.
find_program() {
  for folder in $PATH "${0%/*}"; do
    program=$folder/$1
    case $folder in
      /*) [ -f "$program" ] && [ -x "$program" ] && return ;;
    esac
  done
  return 1
}

# An agent does all of this in a fraction of the time. ssh hands it our streams, our environment and a command of one line for
# each word, and exits with its status: 255 if there is no agent, or if the agent leaves the work to us. See
# docs/agent-protocol.md.
ask_agent() {
  for last; do :; done
  case ${last-} in '' | *[!0-9]*) return ;; esac # not the port that a connection ends with
  newline='
'
  case "$0$*" in [!/]* | *"$newline"*) return ;; esac
  case ${0##*[/]} in fdrecv*) return ;; esac
  find_program ssh || return
  IFS=$newline
  "$program" -F none -q -T -S "$agent" -o ProxyCommand=false -o 'SendEnv=*' agent "$0$newline$*"
  status=$?
  IFS=:
  [ "$status" = 255 ] || exit "$status"
}

# Only for a socket, which can take a descriptor; and only an agent of our own, whatever the environment of sudo says.
agent=${XDG_RUNTIME_DIR:-${XDG_CACHE_HOME:-${HOME-}/.cache}}/fdpass/agent.sock
agent=${FDPASS_AGENT:-$agent}
case $agent in
  [!/]* | *[!A-Za-z0-9_./@:+,-]*) ;; # ssh would replace parts of it
  *) [ -S "$agent" ] && [ -O "$agent" ] && [ -O "${agent%/*}" ] && [ -S /dev/fd/1 ] && [ -z "${FDPASS_NODE_OPTIONS-}" ] &&
    ask_agent "$@" ;;
esac

find_program node && exec "$program" "$0" "$@"

# The node that built this clone; a published package has none.
self=$(PATH=/usr/bin:/bin && readlink -f "$0" 2>/dev/null)
built_with=${self%/*}/../built-with-node
[ -n "$self" ] && [ -x "$built_with" ] && exec "$built_with" "$0" "$@"

printf '%s: [config] node is not in PATH or beside %s; say where it is: env PATH="/folder/of/node:$PATH" %s\n' \
  "${0##*[/]}" "$0" "$0" >&2
exit 78
*/
try {
  require('../bundle/launch.cjs').launch(__filename, require);
} catch ({ code, message, path = message }) {
  const isBundleMissing = /^(ENOENT|MODULE_NOT_FOUND)$/.test(code) && /\/bundle\/[a-z]+\.cjs/.test(path);
  const reason =
    (isBundleMissing && 'not built yet; run: npm run build') ||
    (code === 'EMFILE' && 'no file descriptor left in this process; raise the limit: ulimit -n') ||
    `${String(message).split('\n', 1)[0]}; please report it`;
  process.stderr.write(`${__filename.replace(/.*\/|\.cjs$/g, '')}: [internal] ${reason}\n`);
  process.exit(70);
}

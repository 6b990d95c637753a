#!/bin/sh
':' //; set -f
':' /*
# This file is in two languages. A shell runs it down to "exit". Node sees a comment there and runs the last line. So it is
# Node that follows the links to this file, for which a shell would have to start a program.

# The user has set these for other programs. They can load modules or compiled code from the current directory, which may be
# a stranger's clone, wait for a debugger, or write where ssh reads.
unset NODE_OPTIONS NODE_PATH NODE_DEBUG NODE_COMPILE_CACHE NODE_V8_COVERAGE NODE_ICU_DATA NODE_REDIRECT_WARNINGS \
  NODE_PENDING_DEPRECATION NODE_PRESERVE_SYMLINKS NODE_PRESERVE_SYMLINKS_MAIN NODE_REPL_EXTERNAL_MODULE \
  NODE_CHANNEL_FD NODE_UNIQUE_ID
[ -z "${FDPASS_NODE_OPTIONS-}" ] || export NODE_OPTIONS="$FDPASS_NODE_OPTIONS"

# PATH, then the folder of the link that we were started by: npm, nvm and fnm put it beside their node. A relative folder
# would be looked for in the current directory.
IFS=:
for folder in $PATH "${0%/*}"; do
  case $folder in
    /*) [ -f "$folder/node" ] && [ -x "$folder/node" ] && exec "$folder/node" "$0" "$@" ;;
  esac
done

# The node that built this clone; a published package has none.
self=$(PATH=/usr/bin:/bin && readlink -f "$0" 2>/dev/null)
built_with=${self%/*}/../built-with-node
[ -n "$self" ] && [ -x "$built_with" ] && exec "$built_with" "$0" "$@"

printf '%s: node is not in PATH or beside %s; say where it is: env PATH="/folder/of/node:$PATH" %s\n' \
  "${0##*[/]}" "$0" "$0" >&2
exit 78
*/
require('../launch.cjs')(__filename);

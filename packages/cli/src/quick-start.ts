/**
 * The option that lets Node start a sixth faster: V8 keeps the seed that its snapshot was made with, and does not sort all hash
 * tables in it anew. So strangers can know which keys collide, and only a process that makes one connection and exits has it.
 * The launcher (bin/fdpass) passes it to a node that is known to accept it.
 */
export const QUICK_START = '--no-rehash-snapshot';

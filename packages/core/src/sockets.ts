/*
 * For code that opens sockets itself or handles descriptors.
 */
export { DescriptorConnection } from './connection/descriptor.js';
export { adoptFd } from './connection/descriptor-stream.js';
export {
  exchangeMuxHellos,
  MUX_MSG_HELLO,
  MUX_S_FAILURE,
  MUX_S_SESSION_OPENED,
  MUX_VERSION,
  type MuxPacket,
  readMuxPacket,
} from './connection/mux-packets.js';
export { encodeMuxPacket, type MuxField, MuxFieldReader } from './connection/mux-wire.js';
export { type OpenContext, openConnection } from './connection/open.js';
export { isConnection, StreamConnection, toConnection } from './connection/stream.js';
export { listenAtPath, UnixListener } from './connection/unix-listener.js';
export { becomeProgram } from './sys/become.js';
export {
  describeFd,
  type FdDescription,
  type FdTransferOptions,
  hasBytes,
  isUnixSocket,
  recvFd,
  rememberModes,
  sendFd,
} from './sys/descriptors.js';
export { kernelHasTls } from './sys/kernel-has-tls.js';
export { findSys, loadSys } from './sys/koffi.js';
export { type FdAddress, formatFdAddress } from './sys/sockaddr.js';
export type { Peer, Poller, Readiness, Sys, Waiter } from './sys/sys.js';

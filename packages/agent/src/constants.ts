/*
 * Numbers of OpenSSH's multiplexing protocol, by the names that its PROTOCOL.mux gives them. Those that a
 * client of a master needs too are core's.
 */

export const MUX_C_NEW_SESSION = 0x10000002;
export const MUX_C_ALIVE_CHECK = 0x10000004;
export const MUX_C_TERMINATE = 0x10000005;
export const MUX_C_STOP_LISTENING = 0x10000009;
export const MUX_S_OK = 0x80000001;
export const MUX_S_EXIT_MESSAGE = 0x80000004;
export const MUX_S_ALIVE = 0x80000005;

/** Our own request for the agent's status. OpenSSH's numbers are far below. */
export const MUX_C_FDPASS_STATUS = 0x10fd0001;
export const MUX_S_FDPASS_STATUS = 0x80fd0001;

/** What the agent does not do, for the message that says so. */
export const UNSUPPORTED: Readonly<Record<number, string>> = {
  268435462: 'port forwarding',
  268435463: 'port forwarding',
  268435464: 'stdio forwarding (ssh -W)',
  268435471: 'the proxy mode (ssh -O proxy)',
};

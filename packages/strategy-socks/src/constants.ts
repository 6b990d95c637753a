/** RFC 1928 §3 and the SOCKS 4 memo: the version byte. */
export const SOCKS_VERSION_5 = 0x05;
export const SOCKS_VERSION_4 = 0x04;

/** RFC 1928 §3: authentication methods. */
export const METHOD_NO_AUTHENTICATION = 0x00;
export const METHOD_USERNAME_PASSWORD = 0x02;
export const METHOD_NO_ACCEPTABLE = 0xff;

/** RFC 1929 §2: the version of the username/password sub-negotiation, and its success status. */
export const AUTH_VERSION = 0x01;
export const AUTH_SUCCESS = 0x00;

/** RFC 1928 §4: the CONNECT command, the same in SOCKS 4. */
export const COMMAND_CONNECT = 0x01;

/** RFC 1928 §5: address types. */
export const ATYP_IPV4 = 0x01;
export const ATYP_DOMAINNAME = 0x03;
export const ATYP_IPV6 = 0x04;

/** RFC 1928 §6 and SOCKS 4: the reply codes of success. */
export const REPLY_SUCCEEDED = 0x00;
export const REPLY4_GRANTED = 0x5a;

/** RFC 1929 §2, RFC 1928 §5: user name, password and domain name each carry their length in one byte. */
export const MAX_FIELD_LENGTH = 255;

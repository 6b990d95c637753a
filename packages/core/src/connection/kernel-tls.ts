import type { Duplex } from 'node:stream';
import { errnoName } from '../ground/system-error.js';
import { RECORD_TYPE, receiveRecord, sendRecord } from '../sys/kernel-tls.js';
import type { Sys } from '../sys/sys.js';
import { type ConnectionServices, DescriptorConnection } from './descriptor.js';
import { streamOver } from './descriptor-stream.js';

/** What a {@link KernelTlsConnection} reports to. */
export interface KernelTlsServices extends ConnectionServices {
  /** Called when only a TLS library could go on. What was read is lost, and further reads fail. */
  readonly onRefused: (why: string) => void;
}

/**
 * A TCP connection on which the kernel does TLS: reads and writes are of what is in the records, and what nobody has read yet
 * stays in the kernel, part of a record or not. It owns the descriptor, which holds the whole state.
 */
export class KernelTlsConnection extends DescriptorConnection {
  readonly #records: Sys;

  constructor(fd: number, sys: Sys, services: KernelTlsServices) {
    const records = recordSys(sys, new ControlRecords(services.onRefused));
    super(fd, records, services);
    this.#records = records;
  }

  /** The kernel's `read(2)`, which Node would use, fails at a record that is not data. */
  override get readsRecords(): boolean {
    return true;
  }

  protected override makeStream(fd: number): Duplex {
    return streamOver(fd, this.#records);
  }
}

const SHUT_WR = 1;
const MSG_PEEK = 2;
const EVERY_RECORD = 1 << 15;

/** System calls for which a socket's records of other types than data do not exist. */
function recordSys(sys: Sys, controls: ControlRecords): Sys {
  const { MSG_DONTWAIT } = sys.platform.constants;
  const receive = (fd: number, data: Buffer, flags: number): number => {
    for (;;) {
      if (controls.hasEnded) return 0;
      const record = controls.guard(() => receiveRecord(fd, data, flags, sys));
      if (record.type === RECORD_TYPE.data) return record.bytes;
      if ((flags & MSG_PEEK) === 0) controls.take(record.type, data.subarray(0, record.bytes));
      else takeControl(fd);
    }
  };
  const takeControl = (fd: number): void => {
    const data = Buffer.allocUnsafe(EVERY_RECORD);
    const { type, bytes } = controls.guard(() => receiveRecord(fd, data, MSG_DONTWAIT, sys));
    controls.take(type, data.subarray(0, bytes));
  };
  return {
    ...sys,
    recv: (fd, data, flags) => receive(fd, Buffer.from(data.buffer, data.byteOffset, data.length), flags),
    isAtEnd(fd) {
      try {
        return receive(fd, Buffer.alloc(1), MSG_PEEK | MSG_DONTWAIT) === 0;
      } catch (error) {
        return errnoName(error) !== 'EAGAIN';
      }
    },
    shutdown(fd, how) {
      if (how === SHUT_WR) sendRecord(fd, RECORD_TYPE.alert, Buffer.of(WARNING, CLOSE_NOTIFY), sys);
      sys.shutdown(fd, how);
    },
  };
}

const NEW_SESSION_TICKET = 4;
const HANDSHAKE_HEADER = 4;
const WARNING = 1;
const CLOSE_NOTIFY = 0;
const USER_CANCELED = 90;

/** recvmsg(2)'s errors for records that do not decrypt, are too long, or come after the keys have changed. */
const REFUSALS = new Set(['EBADMSG', 'EMSGSIZE', 'EKEYEXPIRED', 'EIO', 'EINVAL']);

/** What the other side's records of types other than data say. They can come in pieces. */
class ControlRecords {
  readonly #refuse: (why: string) => void;
  #handshake: Buffer = Buffer.alloc(0);
  /** Of a handshake message whose beginning was read. */
  #toSkip = 0;
  #alert: Buffer = Buffer.alloc(0);
  #hasEnded = false;

  constructor(refuse: (why: string) => void) {
    this.#refuse = refuse;
  }

  /** Whether the other side has said that it sends no more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  guard<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      const name = errnoName(error) ?? '';
      if (REFUSALS.has(name)) this.#refused(`it cannot read a record (${name})`);
      throw error;
    }
  }

  take(type: number, bytes: Buffer): void {
    if (type === RECORD_TYPE.handshake) this.#takeHandshake(bytes);
    else if (type === RECORD_TYPE.alert) this.#takeAlert(bytes);
    else this.#refused(`there is a record of type ${type}`);
  }

  /** Tickets are for further connections (RFC 8446, section 4.6.1). Anything else wants an answer of TLS's own. */
  #takeHandshake(bytes: Buffer): void {
    let rest = Buffer.concat([this.#handshake, bytes]);
    for (;;) {
      const skipped = Math.min(this.#toSkip, rest.length);
      this.#toSkip -= skipped;
      rest = rest.subarray(skipped);
      if (rest.length < HANDSHAKE_HEADER) break;
      if (rest[0] !== NEW_SESSION_TICKET)
        this.#refused(`the other side goes on with the handshake (message ${rest[0]})`);
      this.#toSkip = rest.readUIntBE(1, 3);
      rest = rest.subarray(HANDSHAKE_HEADER);
    }
    this.#handshake = rest;
  }

  #takeAlert(bytes: Buffer): void {
    const alert = Buffer.concat([this.#alert, bytes]);
    this.#alert = alert.subarray(alert.length & ~1);
    for (let at = 1; at < alert.length; at += 2) {
      const description = alert[at] ?? CLOSE_NOTIFY;
      if (description === CLOSE_NOTIFY) this.#hasEnded = true;
      else if (description !== USER_CANCELED) throw alertError(description);
    }
  }

  #refused(why: string): never {
    this.#refuse(why);
    throw new Error(`the kernel's TLS cannot go on: ${why}`);
  }
}

/** RFC 8446, section 6, in OpenSSL's words. */
const ALERTS: Readonly<Record<number, string>> = {
  10: 'unexpected message',
  20: 'bad record mac',
  22: 'record overflow',
  40: 'handshake failure',
  42: 'bad certificate',
  43: 'unsupported certificate',
  44: 'certificate revoked',
  45: 'certificate expired',
  46: 'certificate unknown',
  47: 'illegal parameter',
  48: 'unknown ca',
  49: 'access denied',
  50: 'decode error',
  51: 'decrypt error',
  70: 'protocol version',
  71: 'insufficient security',
  80: 'internal error',
  109: 'missing extension',
  110: 'unsupported extension',
  112: 'unrecognized name',
  113: 'bad certificate status response',
  115: 'unknown psk identity',
  116: 'certificate required',
  120: 'no application protocol',
};

/** As Node reports an alert of a TLSSocket: `reason` has OpenSSL's words. */
function alertError(description: number): Error {
  const reason = ALERTS[description] ?? `alert ${description}`;
  return Object.assign(new Error(reason), { code: `ERR_SSL_ALERT_NUMBER_${description}`, reason });
}

import type { Member, MessageLayout } from './layouts.js';

/** Gives the address of a buffer's first byte. */
export type AddressOf = (buffer: Buffer) => bigint;

/** A `msghdr` with everything it points at; all of it must stay referenced while the kernel has it. */
export interface Message {
  readonly header: Buffer;
  readonly data: Buffer;
  readonly control: Buffer;
  readonly iovec: Buffer;
}

function put(layout: MessageLayout, buffer: Buffer, { at, size }: Member, value: bigint | number): void {
  const big = BigInt(value);
  if (size === 8) layout.littleEndian ? buffer.writeBigUInt64LE(big, at) : buffer.writeBigUInt64BE(big, at);
  else layout.littleEndian ? buffer.writeUInt32LE(Number(big), at) : buffer.writeUInt32BE(Number(big), at);
}

function get(layout: MessageLayout, buffer: Buffer, { at, size }: Member): number {
  if (size === 8) return Number(layout.littleEndian ? buffer.readBigUInt64LE(at) : buffer.readBigUInt64BE(at));
  return layout.littleEndian ? buffer.readUInt32LE(at) : buffer.readUInt32BE(at);
}

function aligned(length: number, align: number): number {
  return Math.ceil(length / align) * align;
}

/** CMSG_SPACE: what a control message with `dataLength` bytes takes. */
export function controlSpace(layout: MessageLayout, dataLength: number): number {
  const { data, align } = layout.cmsghdr;
  return data + aligned(dataLength, align);
}

/** A `msghdr` over a data buffer and a control buffer (may be empty). */
export function makeMessage(layout: MessageLayout, data: Buffer, control: Buffer, addressOf: AddressOf): Message {
  const { msghdr, pointerSize } = layout;
  const pointer = (at: number): Member => ({ at, size: pointerSize });
  const iovec = Buffer.alloc(pointerSize * 2);
  put(layout, iovec, pointer(0), addressOf(data));
  put(layout, iovec, pointer(pointerSize), data.length);
  const header = Buffer.alloc(msghdr.size);
  put(layout, header, msghdr.iov, addressOf(iovec));
  put(layout, header, msghdr.iovlen, 1);
  if (control.length > 0) put(layout, header, msghdr.control, addressOf(control));
  put(layout, header, msghdr.controllen, control.length);
  return { header, data, control, iovec };
}

/** Makes a message ready for the next recvmsg(2): the last one has put the length of what came in it. */
export function expectControl(layout: MessageLayout, { header, control }: Message): void {
  put(layout, header, layout.msghdr.controllen, control.length);
}

/** A control buffer with one message. */
export function encodeControl(layout: MessageLayout, level: number, type: number, data: Uint8Array): Buffer {
  const { cmsghdr } = layout;
  const control = Buffer.alloc(controlSpace(layout, data.length));
  put(layout, control, cmsghdr.len, cmsghdr.data + data.length);
  put(layout, control, cmsghdr.level, level);
  put(layout, control, cmsghdr.type, type);
  control.set(data, cmsghdr.data);
  return control;
}

/** A control buffer with one SCM_RIGHTS message (unix(7)). */
export function encodeRights(layout: MessageLayout, level: number, type: number, fds: readonly number[]): Buffer {
  const data = Buffer.alloc(fds.length * 4);
  for (const [index, fd] of fds.entries()) put(layout, data, { at: index * 4, size: 4 }, fd);
  return encodeControl(layout, level, type, data);
}

/** A control message: what came with a message's data. */
export interface ControlMessage {
  readonly level: number;
  readonly type: number;
  /** As much of it as there was room for. */
  readonly data: Buffer;
}

/** What the kernel says of a received message. */
export interface ReceivedMessage {
  readonly flags: number;
  readonly controls: readonly ControlMessage[];
}

/** Takes a message apart after recvmsg(2). Of a control message cut short (MSG_CTRUNC) there is what fitted. */
export function decodeMessage(layout: MessageLayout, { header, control }: Message): ReceivedMessage {
  const { msghdr, cmsghdr } = layout;
  const end = Math.min(get(layout, header, msghdr.controllen), control.length);
  const controls: ControlMessage[] = [];
  for (let at = 0; at + cmsghdr.data <= end; ) {
    const message = control.subarray(at, end);
    const length = get(layout, message, cmsghdr.len);
    if (length < cmsghdr.data) break;
    const [level, type] = [get(layout, message, cmsghdr.level), get(layout, message, cmsghdr.type)];
    controls.push({ level, type, data: message.subarray(cmsghdr.data, length) });
    at += aligned(length, cmsghdr.align);
  }
  return { flags: get(layout, header, msghdr.flags), controls };
}

/** Every descriptor of every SCM_RIGHTS message, in order. They are open: the caller owns them. */
export function decodeRights(
  layout: MessageLayout,
  controls: readonly ControlMessage[],
  level: number,
  type: number,
): readonly number[] {
  const rights = controls.filter((control) => control.level === level && control.type === type);
  return rights.flatMap(({ data }) =>
    Array.from({ length: data.length >> 2 }, (_, index) => get(layout, data, { at: index * 4, size: 4 })),
  );
}

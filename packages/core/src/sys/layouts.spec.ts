import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { constantsFor, layoutFor, type MessageLayout, type PlatformName, type SocketConstants } from './layouts.js';
import { controlSpace, decodeMessage, decodeRights, encodeRights, type Message, makeMessage } from './message.js';
import { detectPlatform } from './platform.js';

/** The address each buffer is said to have: recognisable bytes. */
const ADDRESSES = { data: 0x1122334455667788n, iovec: 0x0102030405060708n, control: 0x7766554433221100n };
const NARROW = { data: 0x55667788n, iovec: 0x05060708n, control: 0x33221100n };

interface Expected {
  readonly platform: PlatformName;
  readonly pointerSize: 4 | 8;
  readonly littleEndian: boolean;
  /** The whole msghdr for one data byte and one descriptor, in hexadecimal, members separated by spaces. */
  readonly msghdr: string;
  /** The whole control message that carries descriptor 0x0a. */
  readonly control: string;
}

const ZERO = '00000000';
const ZEROS = `${ZERO}${ZERO}`;

/** Written out by hand from the systems' <sys/socket.h>: name, namelen, iov, iovlen, control, controllen, flags, with their padding. */
const TABLE: readonly Expected[] = [
  {
    platform: 'linux-glibc',
    pointerSize: 8,
    littleEndian: true,
    msghdr: `${ZEROS} ${ZEROS} 0807060504030201 0100000000000000 0011223344556677 1800000000000000 ${ZERO} ${ZERO}`,
    control: `1400000000000000 01000000 01000000 0a000000 ${ZERO}`,
  },
  {
    platform: 'linux-glibc',
    pointerSize: 8,
    littleEndian: false,
    msghdr: `${ZEROS} ${ZEROS} 0102030405060708 0000000000000001 7766554433221100 0000000000000018 ${ZERO} ${ZERO}`,
    control: `0000000000000014 00000001 00000001 0000000a ${ZERO}`,
  },
  {
    platform: 'linux-glibc',
    pointerSize: 4,
    littleEndian: true,
    msghdr: `${ZERO} ${ZERO} 08070605 01000000 00112233 10000000 ${ZERO}`,
    control: '10000000 01000000 01000000 0a000000',
  },
  {
    platform: 'linux-musl',
    pointerSize: 8,
    littleEndian: true,
    msghdr: `${ZEROS} ${ZEROS} 0807060504030201 01000000 ${ZERO} 0011223344556677 18000000 ${ZERO} ${ZERO} ${ZERO}`,
    control: `14000000 ${ZERO} 01000000 01000000 0a000000 ${ZERO}`,
  },
  {
    platform: 'linux-musl',
    pointerSize: 8,
    littleEndian: false,
    msghdr: `${ZEROS} ${ZEROS} 0102030405060708 ${ZERO} 00000001 7766554433221100 ${ZERO} 00000018 ${ZERO} ${ZERO}`,
    control: `${ZERO} 00000014 00000001 00000001 0000000a ${ZERO}`,
  },
  {
    platform: 'linux-musl',
    pointerSize: 4,
    littleEndian: true,
    msghdr: `${ZERO} ${ZERO} 08070605 01000000 00112233 10000000 ${ZERO}`,
    control: '10000000 01000000 01000000 0a000000',
  },
  {
    platform: 'darwin',
    pointerSize: 8,
    littleEndian: true,
    msghdr: `${ZEROS} ${ZEROS} 0807060504030201 01000000 ${ZERO} 0011223344556677 10000000 ${ZERO}`,
    control: '10000000 ffff0000 01000000 0a000000',
  },
  {
    platform: 'freebsd',
    pointerSize: 8,
    littleEndian: true,
    msghdr: `${ZEROS} ${ZEROS} 0807060504030201 01000000 ${ZERO} 0011223344556677 18000000 ${ZERO}`,
    control: `14000000 ffff0000 01000000 ${ZERO} 0a000000 ${ZERO}`,
  },
  {
    platform: 'freebsd',
    pointerSize: 4,
    littleEndian: true,
    msghdr: `${ZERO} ${ZERO} 08070605 01000000 00112233 10000000 ${ZERO}`,
    control: '10000000 ffff0000 01000000 0a000000',
  },
];

/** Numbers of systems that no test runs on, by the headers that have them. */
const BY_HEADER: Readonly<Record<string, Readonly<Record<string, Partial<SocketConstants>>>>> = {
  darwin: {
    'xnu, bsd/sys/socket.h': {
      SOL_SOCKET: 0xffff,
      SO_KEEPALIVE: 0x0008,
      SO_SNDBUF: 0x1001,
      SO_RCVBUF: 0x1002,
      SO_ERROR: 0x1007,
      SO_TYPE: 0x1008,
      SCM_RIGHTS: 1,
      MSG_CTRUNC: 0x20,
      MSG_DONTWAIT: 0x80,
      AF_INET6: 30,
      AF_VSOCK: 40,
      SO_PEERCRED: undefined,
      MSG_CMSG_CLOEXEC: undefined,
      SOCK_CLOEXEC: undefined,
      SOCK_NONBLOCK: undefined,
      sockaddrHasLength: true,
    },
    'xnu, bsd/sys/fcntl.h': { O_NONBLOCK: 0x4, F_DUPFD_CLOEXEC: 67 },
    'xnu, bsd/sys/errno.h': { EAGAIN: 35, EINPROGRESS: 36 },
  },
  freebsd: {
    'freebsd-src, sys/sys/socket.h': {
      SOL_SOCKET: 0xffff,
      SO_KEEPALIVE: 0x0008,
      SO_SNDBUF: 0x1001,
      SO_RCVBUF: 0x1002,
      SO_ERROR: 0x1007,
      SO_TYPE: 0x1008,
      SCM_RIGHTS: 1,
      MSG_CTRUNC: 0x20,
      MSG_DONTWAIT: 0x80,
      MSG_NOSIGNAL: 0x2_0000,
      MSG_CMSG_CLOEXEC: 0x4_0000,
      SOCK_CLOEXEC: 0x1000_0000,
      SOCK_NONBLOCK: 0x2000_0000,
      AF_INET6: 28,
      SO_PEERCRED: undefined,
      AF_VSOCK: undefined,
      sockaddrHasLength: true,
    },
    'freebsd-src, sys/sys/fcntl.h': { O_NONBLOCK: 0x4, F_DUPFD_CLOEXEC: 17 },
    'freebsd-src, sys/sys/errno.h': { EAGAIN: 35, EINPROGRESS: 36 },
  },
};

function hex(text: string): string {
  return text.replaceAll(' ', '');
}

function layoutOf({ platform, pointerSize, littleEndian }: Expected): MessageLayout {
  const layout = layoutFor(platform, pointerSize, littleEndian);
  if (layout === undefined) throw new Error('no layout');
  return layout;
}

describe('message layouts', () => {
  for (const expected of TABLE) {
    const { platform, pointerSize, littleEndian } = expected;
    const { SOL_SOCKET, SCM_RIGHTS, MSG_CTRUNC } = constantsFor(platform);

    describe(`${platform}, ${pointerSize * 8} bit, ${littleEndian ? 'little' : 'big'} endian`, () => {
      it('writes the control message', () => {
        const control = encodeRights(layoutOf(expected), SOL_SOCKET, SCM_RIGHTS, [0x0a]);
        expect(control.toString('hex')).to.equal(hex(expected.control));
      });

      it('writes the message header', () => {
        const layout = layoutOf(expected);
        const data = Buffer.alloc(1);
        const control = encodeRights(layout, SOL_SOCKET, SCM_RIGHTS, [0x0a]);
        const addresses = pointerSize === 8 ? ADDRESSES : NARROW;
        const addressOf = (buffer: Buffer): bigint =>
          buffer === data ? addresses.data : buffer === control ? addresses.control : addresses.iovec;
        const { header, iovec } = makeMessage(layout, data, control, addressOf);
        expect(header.toString('hex')).to.equal(hex(expected.msghdr));
        expect(iovec.length).to.equal(pointerSize * 2);
      });

      it('reads several control messages, skips foreign ones, and takes what fits of one cut short', () => {
        const layout = layoutOf(expected);
        const rights = (...fds: number[]): Buffer => encodeRights(layout, SOL_SOCKET, SCM_RIGHTS, fds);
        const control = Buffer.concat([rights(3), encodeRights(layout, SOL_SOCKET, 0x7f, [9]), rights(4, 5, 6)]);
        const message = makeMessage(layout, Buffer.alloc(1), control, () => 0n);
        const decode = (from: Message): readonly [flags: number, fds: readonly number[]] => {
          const { flags, controls } = decodeMessage(layout, from);
          return [flags, decodeRights(layout, controls, SOL_SOCKET, SCM_RIGHTS)];
        };
        expect(decode(message)).to.deep.equal([0, [3, 4, 5, 6]]);
        const { at } = layout.msghdr.flags;
        if (littleEndian) message.header.writeUInt32LE(MSG_CTRUNC, at);
        else message.header.writeUInt32BE(MSG_CTRUNC, at);
        const short = {
          ...message,
          control: control.subarray(0, control.length - controlSpace(layout, 12) + layout.cmsghdr.data + 4),
        };
        expect(decode(short)).to.deep.equal([MSG_CTRUNC, [3, 4]]);
      });
    });
  }

  for (const [platform, headers] of Object.entries(BY_HEADER)) {
    for (const [header, numbers] of Object.entries(headers)) {
      it(`have the numbers of ${header}`, () =>
        expect(constantsFor(platform as PlatformName)).to.deep.include(numbers));
    }
  }

  it('have the number of linux, arch/powerpc/include/uapi/asm/socket.h, that differs from other processors', () => {
    expect(constantsFor('linux-glibc', 'ppc64').SO_PEERCRED).to.equal(21);
    for (const arch of ['x64', 'arm64', 'riscv64', 's390x', 'loong64', 'ia32', 'arm'])
      expect(constantsFor('linux-glibc', arch).SO_PEERCRED, arch).to.equal(17);
  });

  it('know no 32-bit macOS', () => expect(layoutFor('darwin', 4)).to.equal(undefined));

  it("agree with this machine's own C headers", function () {
    const folder = mkdtempSync(join(tmpdir(), 'fdpass-layout-'));
    try {
      writeFileSync(join(folder, 'layout.c'), C_PROGRAM);
      try {
        execFileSync('cc', ['-o', join(folder, 'layout'), join(folder, 'layout.c')], { stdio: 'ignore' });
      } catch {
        this.skip(); // no C compiler
      }
      const real = JSON.parse(execFileSync(join(folder, 'layout'), { encoding: 'utf8' }));
      const { layout, constants } = detectPlatform();
      const { msghdr, cmsghdr } = layout;
      expect({
        pointer: layout.pointerSize,
        size: msghdr.size,
        name: msghdr.name.at,
        iov: msghdr.iov.at,
        iovlen: msghdr.iovlen.at,
        control: msghdr.control.at,
        controllen: msghdr.controllen.at,
        flags: msghdr.flags.at,
        len: cmsghdr.len.at,
        level: cmsghdr.level.at,
        type: cmsghdr.type.at,
        cmsgLen: cmsghdr.data + 4,
        cmsgSpace: controlSpace(layout, 4),
        SOL_SOCKET: constants.SOL_SOCKET,
        SO_TYPE: constants.SO_TYPE,
        SO_ERROR: constants.SO_ERROR,
        SO_KEEPALIVE: constants.SO_KEEPALIVE,
        SO_SNDBUF: constants.SO_SNDBUF,
        SO_RCVBUF: constants.SO_RCVBUF,
        SCM_RIGHTS: constants.SCM_RIGHTS,
        MSG_CTRUNC: constants.MSG_CTRUNC,
        MSG_DONTWAIT: constants.MSG_DONTWAIT,
        O_NONBLOCK: constants.O_NONBLOCK,
        F_DUPFD_CLOEXEC: constants.F_DUPFD_CLOEXEC,
        AF_INET6: constants.AF_INET6,
      }).to.deep.equal(real);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const OFFSETS = ['name', 'iov', 'iovlen', 'control', 'controllen', 'flags'].map(
  (name) => `P("${name}", offsetof(struct msghdr, msg_${name}));`,
);
const CMSG = ['len', 'level', 'type'].map((name) => `P("${name}", offsetof(struct cmsghdr, cmsg_${name}));`);
const CONSTANTS = [
  'SOL_SOCKET',
  'SO_TYPE',
  'SO_ERROR',
  'SO_KEEPALIVE',
  'SO_SNDBUF',
  'SO_RCVBUF',
  'SCM_RIGHTS',
  'MSG_CTRUNC',
  'MSG_DONTWAIT',
  'O_NONBLOCK',
  'F_DUPFD_CLOEXEC',
  'AF_INET6',
];

const C_PROGRAM = `#define _GNU_SOURCE
#include <sys/socket.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#define P(name, value) printf("\\"%s\\": %ld,", name, (long)(value))
int main(void) {
  printf("{");
  P("pointer", sizeof(void *));
  P("size", sizeof(struct msghdr));
  ${[...OFFSETS, ...CMSG].join('\n  ')}
  P("cmsgLen", CMSG_LEN(4));
  P("cmsgSpace", CMSG_SPACE(4));
  ${CONSTANTS.slice(1)
    .map((name) => `P("${name}", ${name});`)
    .join('\n  ')}
  printf("\\"SOL_SOCKET\\": %d}", SOL_SOCKET);
}
`;

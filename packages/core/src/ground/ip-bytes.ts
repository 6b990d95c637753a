/** The four bytes of an IPv4 literal. */
export function ipv4Bytes(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

/** The sixteen bytes of an IPv6 literal (RFC 4291 §2.2), an embedded IPv4 tail too; a zone is dropped, it means nothing elsewhere. */
export function ipv6Bytes(address: string): Buffer {
  const [bare = ''] = address.split('%');
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(bare);
  const text = tail ? `${tail[1]}${hexGroups(ipv4Bytes(tail[2] ?? ''))}` : bare;
  const [head = '', rest] = text.split('::');
  const left = groups(head);
  const right = groups(rest ?? '');
  const zeros = rest === undefined ? [] : new Array<number>(8 - left.length - right.length).fill(0);
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...left, ...zeros, ...right].entries()) bytes.writeUInt16BE(group, index * 2);
  return bytes;
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

function hexGroups(bytes: Buffer): string {
  return `${bytes.readUInt16BE(0).toString(16)}:${bytes.readUInt16BE(2).toString(16)}`;
}

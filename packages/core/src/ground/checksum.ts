/**
 * FNV-1a, 32 bits: finds damage and tells texts apart where nobody gains by a collision. A cryptographic hash takes time to load.
 */
export function checksumOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(16);
}

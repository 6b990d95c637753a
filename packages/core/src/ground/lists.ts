/**
 * The list with one more element. A list that is made with its first element has room for that alone, and an empty one that grows
 * gets room for 17: that matters where a thousand dials at once have a list each, mostly of one.
 */
export function withAdded<T>(list: T[] | undefined, element: T): T[] {
  if (list === undefined || list.length === 0) return [element];
  list.push(element);
  return list;
}

/** `Array.isArray` for a list that nobody may change: TypeScript takes that for something else. */
export function isList<T, Other>(value: readonly T[] | Other): value is readonly T[] {
  return Array.isArray(value);
}

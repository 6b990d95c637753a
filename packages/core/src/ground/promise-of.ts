/**
 * What a call gives, as a promise: also if the call throws, or gives no promise. An async function around it would do the same, and
 * keep five objects more for as long as the promise is pending. Arguments can be given apart, which spares the caller
 * a closure that keeps them.
 */
export function promiseOf<T, Given extends unknown[]>(
  call: (...given: Given) => T | PromiseLike<T>,
  ...given: Given
): Promise<T> {
  try {
    return Promise.resolve(call(...given));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Whether something is still to come: what is there already is not awaited, which would cost a dial a promise for nothing. */
export function isPending<T extends object>(value: T | Promise<T>): value is Promise<T> {
  // Not `instanceof Promise`: a program can have another class in its place. `in` would take V8 longer.
  return (value as Partial<PromiseLike<T>>).then !== undefined;
}

/** Goes on with a value: at once if it is there, or else when it comes. */
export function whenThere<T extends object, U>(
  value: T | Promise<T>,
  goOn: (value: T) => U | Promise<U>,
): U | Promise<U> {
  return isPending(value) ? value.then(goOn) : goOn(value);
}

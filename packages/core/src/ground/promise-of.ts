/**
 * What a call gives, as a promise: also if the call throws, or gives no promise. An async function around it would do the same, and
 * keep five objects more for as long as the promise is pending.
 */
export function promiseOf<T>(call: () => T | PromiseLike<T>): Promise<T> {
  try {
    return Promise.resolve(call());
  } catch (error) {
    return Promise.reject(error);
  }
}

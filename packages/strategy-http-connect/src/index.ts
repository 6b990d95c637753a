export { type AuthenticationScheme, basic, type ChallengeContext, digest } from './authentication.js';
export type { Challenge } from './challenge.js';
export { createHttpConnect, type HttpConnectParts, httpConnect } from './http-connect.js';
export type { HttpConnectOptions } from './options.js';
export { HttpStatusError } from './refusal.js';

export { type AuthenticationScheme, basic, type ChallengeContext, digest } from './authentication.js';
export type { Challenge } from './challenge.js';
export { createHttpConnect, httpConnect, type HttpConnectParts } from './http-connect.js';
export type { HttpConnectOptions } from './options.js';
export { HttpStatusError } from './refusal.js';

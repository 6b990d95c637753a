declare const FDPASS_VERSION: string | undefined;

/** The package's version; the build puts it in. */
export const VERSION: string = typeof FDPASS_VERSION === 'string' ? FDPASS_VERSION : '0.0.0-dev';

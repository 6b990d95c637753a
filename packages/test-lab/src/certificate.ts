import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { PATIENCE_MS } from './processes.js';

/** The files of a certificate and its key, in PEM. */
export interface CertificateFiles {
  /** The certificate. */
  readonly cert: string;
  /** Its private key. */
  readonly key: string;
}

/**
 * Makes a key and a certificate, as NAME.key and NAME.pem in `folder`, by `openssl`, which the caller requires. It signs
 * itself unless `more`, words for `openssl req`, names an authority.
 */
export function makeCertificate(folder: string, name: string, more: readonly string[] = []): CertificateFiles {
  const files = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-keyout', files.key];
  const words = ['req', '-x509', '-days', '2', '-out', files.cert, ...key, '-subj', `/CN=${name}`, ...more];
  execFileSync('openssl', words, { stdio: 'ignore', timeout: PATIENCE_MS });
  return files;
}

/** Words for {@link makeCertificate}: the names and addresses that a certificate is for, such as `DNS:localhost,IP:127.0.0.1`. */
export function alternativeNames(names: string): readonly string[] {
  return ['-addext', `subjectAltName=${names}`];
}

// For fdpass test-strategy: there is no server but what the program itself is.
import { fileURLToPath } from 'node:url';

export const start = () => ({
  options: { to: 'pod/build-1', kubectl: fileURLToPath(new URL('kubectl', import.meta.url)) },
});

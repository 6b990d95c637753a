// For fdpass test-strategy: there is no server but what the program itself is.
export const start = () => ({ options: { to: 'pod/build-1', kubectl: './kubectl' } });

import { describeStrategy } from '@fdpass/testkit';
import { createEnv } from './env.js';

describeStrategy({ strategy: createEnv({ ALL_PROXY: 'socks5h://proxy.example:1080' }), title: 'with a proxy' });
describeStrategy({ strategy: createEnv({}), title: 'without a proxy' });

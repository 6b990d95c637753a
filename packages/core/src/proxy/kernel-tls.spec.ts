import { emulatedTls } from '../sys/emulated-tls.spec.helper.js';
import { declareKernelTlsTests } from './kernel-tls.spec.helper.js';

describe('TLS by a kernel that the test emulates', () => declareKernelTlsTests(emulatedTls));

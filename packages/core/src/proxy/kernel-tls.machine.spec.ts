import { describeInMachine, requireModule } from '@fdpass/test-lab';
import { expect } from 'chai';
import { kernelHasTls } from '../sys/kernel-has-tls.js';
import { loadSys } from '../sys/koffi.js';
import { declareKernelTlsTests } from './kernel-tls.spec.helper.js';

describeInMachine('TLS by a real kernel', import.meta.url, {}, () => {
  before(function () {
    requireModule(this, 'tls');
    expect(kernelHasTls()).to.equal(true);
  });
  declareKernelTlsTests(loadSys);
});

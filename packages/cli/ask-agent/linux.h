/*
 * A program without a C library, for Linux on x86-64 and arm64: loading one takes longer than everything that ask-agent does.
 * System calls take at most six arguments and return the result, or an error's number with a minus.
 */
#include <sys/syscall.h>

/* The kernel starts a program here. `run` gets the stack: the number of arguments, the arguments, a null pointer, and then the
 * environment with another (the ABIs of both processors). */
__attribute__((noreturn, used)) static void run(char **stack);

#if defined(__x86_64__)

__asm__(".globl _start\n"
        "_start:\n"
        "  mov %rsp, %rdi\n"
        "  call run\n");

static inline long call(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

__asm__(".globl _start\n"
        "_start:\n"
        "  mov x0, sp\n"
        "  bl run\n");

static inline long call(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}

#else
#error "ask-agent is not written for this processor; ssh asks the agent there"
#endif

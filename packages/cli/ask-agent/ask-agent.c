/*
 * ask-agent SOCKET LAUNCHER [WORD ...]
 *
 * Asks the agent that listens on SOCKET for the connection that `LAUNCHER WORD ...` describes: passes it our stdin, stdout and
 * stderr, and exits with its status (docs/agent-protocol.md). Becomes the launcher again, with FDPASS_LEFT_TO=node in its
 * environment, if there is no such agent or it leaves the work to the command. The launcher becomes this program, and an agent has put
 * it where the launcher looks (place-client.ts). Both can be of another version than this, so neither the arguments nor that
 * variable can change unless the program gets another name.
 */
#define _GNU_SOURCE
#include "linux.h"
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

enum { STDOUT = 1, STREAMS = 3 };
enum { EX_USAGE = 64, LEFT_TO_CLIENT = 255 };

/* PROTOCOL.mux */
enum { MUX_VERSION = 4, MUX_MSG_HELLO = 1 };
#define MUX_C_NEW_SESSION 0x10000002
#define MUX_S_SESSION_OPENED 0x80000006
#define MUX_S_EXIT_MESSAGE 0x80000004

/* A connection has the limits of its dial, but not an agent that does not even greet. */
static const struct timeval HELLO_LIMIT = {.tv_sec = 5}, NO_LIMIT = {0};

/* What the launcher adds to the environment for us. */
static const char LEFT_TO[] = "FDPASS_LEFT_TO=";

/* What we send, which is mostly the environment. It takes memory only where it is written to, but at 2 MiB the kernel would give, and
 * fill with zeros, all of it at once (transparent huge pages). */
static unsigned char request[1024 * 1024];
static size_t length;

static int ask(char **words, char **environment, const char *path);
static int connect_to(const char *path);
static int is_ours(int agent);
static void limit(int agent, int option, const struct timeval *time);
static int write_request(char **words, char **environment);
static int send_request(int agent);
static int receive(int agent, uint32_t *answer, size_t size);
static int pass(int agent, int fd);
static int has_receiver_left(void);

static void run(char **stack) {
  long count = (long)stack[0];
  char **arguments = stack + 1, **environment = arguments + count + 1;
  if (count < 3) call(SYS_exit_group, EX_USAGE, 0, 0, 0, 0, 0);
  int status = ask(arguments + 2, environment, arguments[1]);
  if (status == LEFT_TO_CLIENT) {
    arguments[1] = "/bin/sh"; /* which runs what follows, the launcher */
    call(SYS_execve, (long)arguments[1], (long)(arguments + 1), (long)environment, 0, 0, 0);
  }
  for (;;) call(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

/* Returns the exit status. */
static int ask(char **words, char **environment, const char *path) {
  int agent = connect_to(path);
  if (agent < 0 || !is_ours(agent) || !write_request(words, environment) || !send_request(agent)) return LEFT_TO_CLIENT;

  uint32_t hello[3]; /* length, type, version */
  limit(agent, SO_RCVTIMEO, &HELLO_LIMIT);
  if (!receive(agent, hello, sizeof hello)) return LEFT_TO_CLIENT;
  if (hello[1] != MUX_MSG_HELLO || hello[2] != MUX_VERSION) return LEFT_TO_CLIENT;
  for (int fd = 0; fd < STREAMS; fd++)
    if (!pass(agent, fd)) return LEFT_TO_CLIENT;

  /* Two packets: length, type, request, session; length, type, session, status. */
  uint32_t answer[8];
  limit(agent, SO_RCVTIMEO, &NO_LIMIT);
  if (receive(agent, answer, sizeof answer) && answer[1] == MUX_S_SESSION_OPENED && answer[5] == MUX_S_EXIT_MESSAGE)
    return answer[7] < LEFT_TO_CLIENT ? (int)answer[7] : LEFT_TO_CLIENT;

  /* An agent that was killed may have passed the descriptor before. */
  return has_receiver_left() ? 0 : LEFT_TO_CLIENT;
}

static int connect_to(const char *path) {
  static struct sockaddr_un address; /* static, or gcc would call a function of a library that fills it with zeros */
  address.sun_family = AF_UNIX;
  size_t size = 0;
  for (; path[size] != '\0'; size++) {
    if (size >= sizeof address.sun_path - 1) return -1;
    address.sun_path[size] = path[size];
  }
  int agent = call(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, 0, 0, 0);
  limit(agent, SO_SNDTIMEO, &HELLO_LIMIT);
  return call(SYS_connect, agent, (long)&address, sizeof address, 0, 0, 0) == 0 ? agent : -1;
}

/* What the launcher looked at may have been replaced since, and the environment can have passwords in it. */
static int is_ours(int agent) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (call(SYS_getsockopt, agent, SOL_SOCKET, SO_PEERCRED, (long)&peer, (long)&size, 0) != 0) return 0;
  return peer.uid == (uid_t)call(SYS_geteuid, 0, 0, 0, 0, 0, 0);
}

static void limit(int agent, int option, const struct timeval *time) {
  call(SYS_setsockopt, agent, SOL_SOCKET, option, (long)time, sizeof *time, 0);
}

/* Writes `value` in the order of the network, at `place`. */
static void put_number(size_t place, uint32_t value) {
  for (int byte = 0; byte < 4; byte++) request[place + byte] = value >> (24 - 8 * byte);
}

static void add_number(uint32_t value) {
  put_number(length, value);
  length += 4;
}

/* Returns where a length belongs that is not known yet. */
static size_t begin(void) {
  length += 4;
  return length;
}

static void end(size_t start) { put_number(start - 4, length - start); }

/* Returns whether there was room for the text. Some is left for numbers. */
static int add(const char *text) {
  for (; length < sizeof request - 64; request[length++] = *text++)
    if (*text == '\0') return 1;
  return 0;
}

static int begins_with(const char *text, const char *start) {
  while (*start != '\0')
    if (*text++ != *start++) return 0;
  return 1;
}

/* A hello and a MUX_C_NEW_SESSION. Of the latter's fields the agent reads the command, a word in each line, and the environment. */
static int write_request(char **words, char **environment) {
  add_number(8), add_number(MUX_MSG_HELLO), add_number(MUX_VERSION);
  size_t packet = begin();
  add_number(MUX_C_NEW_SESSION);
  for (int other = 0; other < 8; other++) add_number(0);
  size_t command = begin();
  for (char **word = words; *word != NULL; word++)
    if ((word != words && !add("\n")) || !add(*word)) return 0;
  end(command);
  for (char **variable = environment; *variable != NULL; variable++) {
    if (begins_with(*variable, LEFT_TO)) continue;
    size_t start = begin();
    if (!add(*variable)) return 0;
    end(start);
  }
  end(packet);
  return 1;
}

static int send_request(int agent) {
  for (size_t sent = 0; sent < length;) {
    long count = call(SYS_sendto, agent, (long)(request + sent), length - sent, MSG_NOSIGNAL, 0, 0);
    if (count > 0) sent += count;
    else if (count != -EINTR) return 0;
  }
  return 1;
}

/* Fills `answer` with numbers in our own order. */
static int receive(int agent, uint32_t *answer, size_t size) {
  for (size_t received = 0; received < size;) {
    long count = call(SYS_recvfrom, agent, (long)((char *)answer + received), size - received, 0, 0, 0);
    if (count > 0) received += count;
    else if (count != -EINTR) return 0;
  }
  for (size_t at = 0; at < size / sizeof *answer; at++) answer[at] = __builtin_bswap32(answer[at]);
  return 1;
}

/* Passes a descriptor with one byte. */
static int pass(int agent, int fd) {
  char byte = 0;
  struct iovec vector = {.iov_base = &byte, .iov_len = 1};
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof fd)];
  } rights = {.header = {.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
  *(int *)CMSG_DATA(&rights.header) = fd;
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
  return call(SYS_sendmsg, agent, (long)&message, MSG_NOSIGNAL, 0, 0, 0) == 1;
}

/* Whether whoever waits for the descriptor has closed its end. Nothing is sent, and that fails (EPIPE) all the same. */
static int has_receiver_left(void) { return call(SYS_sendto, STDOUT, (long)"", 0, MSG_NOSIGNAL, 0, 0) < 0; }

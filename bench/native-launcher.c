/* What a compiled launcher of the agent would do: docs/agent-protocol.md without a wait, so that bench/agent.mjs can tell the agent
 * from its launcher. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

extern char **environ;
static unsigned char buffer[1 << 20];
static size_t length;

static void number(unsigned value) {
  value = htonl(value);
  memcpy(buffer + length, &value, 4);
  length += 4;
}

static void text(const char *value) {
  number(strlen(value));
  memcpy(buffer + length, value, strlen(value));
  length += strlen(value);
}

static void pass(int socket, int fd) {
  char byte = 0, control[CMSG_SPACE(sizeof fd)] = {0};
  struct iovec iov = {&byte, 1};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  sendmsg(socket, &message, 0);
}

/* native-launcher SOCKET COMMAND */
int main(int argc, char **argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int agent = socket(AF_UNIX, SOCK_STREAM, 0);
  if (argc != 3) return 64;
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  if (connect(agent, (struct sockaddr *)&address, sizeof address) != 0) return 255;
  number(8), number(1), number(4); /* hello */
  size_t start = length;
  number(0), number(0x10000002), number(0), text("");
  for (int flag = 0; flag < 5; flag++) number(0);
  text(""), text(argv[2]);
  for (char **entry = environ; *entry != NULL; entry++) text(*entry);
  size_t end = length;
  length = start;
  number(end - start - 4);
  write(agent, buffer, end);
  for (int fd = 0; fd < 3; fd++) pass(agent, fd);
  ssize_t got, all = 0;
  while ((got = read(agent, buffer + all, sizeof buffer - all)) > 0) all += got;
  return all >= 4 ? buffer[all - 1] : 255; /* the last number is the exit status */
}

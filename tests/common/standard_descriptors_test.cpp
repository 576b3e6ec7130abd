// A program that is started with standard descriptors closed, as a child of this one.
#include "common/standard_descriptors.hpp"

#include <string>

#include <gtest/gtest.h>
#include <limits.h>
#include <sys/wait.h>

namespace backhand {
namespace {

bool is_dev_null(int fd) {
  char target[PATH_MAX] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  return ::readlink(link.c_str(), target, sizeof target - 1) > 0 && std::string{target} == "/dev/null";
}

/// The exit status of a child that closes the descriptors of `closed` (as bits) first.
int status_with_closed(unsigned closed) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (int fd = 0; fd <= 2; ++fd)
      if ((closed & (1U << fd)) != 0) ::close(fd);
    int status = open_standard_descriptors() ? 0 : 1;
    for (int fd = 0; fd <= 2; ++fd)
      if ((closed & (1U << fd)) != 0 && !is_dev_null(fd)) status = 2;
    const int next = ::open("/dev/zero", O_RDONLY);
    if (next <= 2) status = 3;
    ::_exit(status);
  }
  int status = -1;
  (void)::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(StandardDescriptors, NoFileGetsTheNumberOfAClosedOne) {
  for (unsigned closed = 0; closed < 8; ++closed) EXPECT_EQ(status_with_closed(closed), 0) << closed;
}

}  // namespace
}  // namespace backhand

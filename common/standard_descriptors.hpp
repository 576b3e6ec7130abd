// Descriptors 0, 1 and 2 belong to standard input, output and error. A program that is started with one of
// them closed would give its number to the next file or socket that it opens, and would print into that.
#pragma once

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace backhand {

/// Opens each of 0, 1 and 2 that is closed on /dev/null. False where that is not possible. First thing in
/// `main`, before any other descriptor is opened.
[[nodiscard]] inline bool open_standard_descriptors() noexcept {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // The kernel gives away the lowest free number, which is this one: all below it are open.
    if (::open("/dev/null", O_RDWR) != fd) return false;
  }
  return true;
}

}  // namespace backhand

// A preloaded library whose disk hangs or fails when it is told to, so that a real gateway can be watched
// while its disk does not answer.
//
// BACKHAND_DISK_CONTROL names a file that is read at each sync and write. While it says "hang", fdatasync and
// fsync do not return; while it says "fail", fdatasync, fsync and pwrite fail with EIO. Anything else, or no
// such file: they work.
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

bool says(const char* word) {
  static const char* const path = std::getenv("BACKHAND_DISK_CONTROL");
  if (path == nullptr) return false;
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[16] = {};
  const ssize_t got = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  return got > 0 && std::strncmp(text, word, std::strlen(word)) == 0;
}

/// Memory answers always: only what lies on a disk hangs.
bool on_disk(int fd) {
  struct stat status{};
  struct stat memory{};
  return ::fstat(fd, &status) == 0 && (::stat("/dev/shm", &memory) != 0 || status.st_dev != memory.st_dev);
}

/// Whether the call is to fail; returns only when the disk answers.
bool wait_for_disk(int fd) {
  if (!on_disk(fd)) return false;
  while (says("hang")) ::usleep(10'000);
  return says("fail");
}

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int fdatasync(int fd) {
  static auto* const next = real<int(int)>("fdatasync");
  if (!wait_for_disk(fd)) return next(fd);
  errno = EIO;
  return -1;
}

int fsync(int fd) {
  static auto* const next = real<int(int)>("fsync");
  if (!wait_for_disk(fd)) return next(fd);
  errno = EIO;
  return -1;
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  static auto* const next = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  if (!on_disk(fd) || !says("fail")) return next(fd, bytes, size, at);
  errno = EIO;
  return -1;
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off_t at) { return pwrite(fd, bytes, size, at); }
}

// A preloaded library that kills its process at one chosen system call, so that "killed at every socket and
// journal step" can be tried step by step without a word of it in the product.
//
// BACKHAND_KILL_AT=CALL:PHASE:N[:armed] kills (SIGKILL) at the N-th CALL, counted from 0. CALL is send (send
// and sendmsg on a TCP socket), recv (the same for reading), pwrite, fdatasync, ftruncate, rename, store (all
// four of them together), clock (a reading of the clock: there is one between any two steps of a reversal) or
// any (all but clock). PHASE is before, after, or half (send and pwrite: a part of the bytes goes, then the
// end). With :armed the count starts at SIGUSR1.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

enum class Call { none, send, recv, pwrite, fdatasync, ftruncate, rename, store, clock, any };
enum class Phase { before, after, half };

Call g_call = Call::none;
Phase g_phase = Phase::before;
long g_at = -1;
std::atomic<bool> g_counts{false};
std::atomic<long> g_count{0};

Call call_named(const char* name) {
  constexpr struct {
    const char* name;
    Call call;
  } kNames[] = {{"send", Call::send},           {"recv", Call::recv},           {"pwrite", Call::pwrite},
                {"fdatasync", Call::fdatasync}, {"ftruncate", Call::ftruncate}, {"rename", Call::rename},
                {"store", Call::store},         {"clock", Call::clock},         {"any", Call::any}};
  for (const auto& one : kNames) {
    if (std::strcmp(name, one.name) == 0) return one.call;
  }
  std::fprintf(stderr, "kill_at: no such call: %s\n", name);
  std::_Exit(99);
}

void arm(int) { g_counts.store(true); }

__attribute__((constructor)) void read_plan() {
  const char* const text = std::getenv("BACKHAND_KILL_AT");
  if (text == nullptr) return;
  char call[16] = {}, phase[16] = {}, armed[16] = {};
  if (std::sscanf(text, "%15[^:]:%15[^:]:%ld:%15s", call, phase, &g_at, armed) < 3) std::_Exit(99);
  g_call = call_named(call);
  g_phase = std::strcmp(phase, "half") == 0    ? Phase::half
            : std::strcmp(phase, "after") == 0 ? Phase::after
                                               : Phase::before;
  if (std::strcmp(armed, "armed") == 0) {
    struct sigaction action{};
    action.sa_handler = arm;
    action.sa_flags = SA_RESTART;
    (void)::sigaction(SIGUSR1, &action, nullptr);
  } else {
    g_counts.store(true);
  }
}

[[noreturn]] void die() {
  (void)::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

bool is_tcp(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
         address.ss_family == AF_INET;
}

/// Whether this very call is the chosen one.
bool strikes(Call call) {
  if (!g_counts.load(std::memory_order_relaxed)) return false;
  const bool stores = call != Call::send && call != Call::recv && call != Call::clock;
  const bool meant =
      g_call == call || (g_call == Call::any && call != Call::clock) || (g_call == Call::store && stores);
  if (!meant) return false;
  return g_count.fetch_add(1) == g_at;
}

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

/// Runs `whole`, or dies before it, in it (after `part`), or after it.
template <typename Whole, typename Part>
auto run(Call call, bool counts, Whole whole, Part part) {
  const bool strike = counts && strikes(call);
  if (strike && g_phase == Phase::before) die();
  if (strike && g_phase == Phase::half) {
    part();
    die();
  }
  const auto result = whole();
  if (strike) die();
  return result;
}

}  // namespace

extern "C" {

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  static auto* const next = real<ssize_t(int, const void*, size_t, int)>("send");
  return run(
      Call::send, is_tcp(fd), [&] { return next(fd, bytes, size, flags); },
      [&] { (void)!next(fd, bytes, size / 2, flags); });
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static auto* const next = real<ssize_t(int, const msghdr*, int)>("sendmsg");
  return run(Call::send, is_tcp(fd), [&] { return next(fd, message, flags); }, [] {});
}

ssize_t recv(int fd, void* room, size_t size, int flags) {
  static auto* const next = real<ssize_t(int, void*, size_t, int)>("recv");
  return run(Call::recv, is_tcp(fd), [&] { return next(fd, room, size, flags); }, [] {});
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  static auto* const next = real<ssize_t(int, msghdr*, int)>("recvmsg");
  return run(Call::recv, is_tcp(fd), [&] { return next(fd, message, flags); }, [] {});
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  static auto* const next = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return run(
      Call::pwrite, true, [&] { return next(fd, bytes, size, at); },
      [&] { (void)!next(fd, bytes, size / 2, at); });
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off_t at) { return pwrite(fd, bytes, size, at); }

int fdatasync(int fd) {
  static auto* const next = real<int(int)>("fdatasync");
  return run(Call::fdatasync, true, [&] { return next(fd); }, [] {});
}

int ftruncate(int fd, off_t size) noexcept {
  static auto* const next = real<int(int, off_t)>("ftruncate");
  return run(Call::ftruncate, true, [&] { return next(fd, size); }, [] {});
}
int ftruncate64(int fd, off_t size) noexcept { return ftruncate(fd, size); }

int rename(const char* from, const char* to) noexcept {
  static auto* const next = real<int(const char*, const char*)>("rename");
  return run(Call::rename, true, [&] { return next(from, to); }, [] {});
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static auto* const next = real<int(clockid_t, timespec*)>("clock_gettime");
  return run(Call::clock, true, [&] { return next(clock, time); }, [] {});
}
}

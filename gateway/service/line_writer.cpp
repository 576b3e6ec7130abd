#include "gateway/service/line_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <string_view>
#include <utility>

#include <poll.h>
#include <unistd.h>

#include "common/cpu.hpp"

namespace backhand::service {

namespace {

/// How often a reader that does not read is looked at again.
constexpr int kLook_ms = 100;
/// What a reader gets to take the last lines before the writer goes.
constexpr Ns kLastWords_ns = 200 * kMillisecond;

}  // namespace

struct LineWriter::State {
  State(int to, std::size_t most) : fd(to), most_bytes(most) {}

  const int fd;
  const std::size_t most_bytes;
  mutable std::mutex mutex;
  std::condition_variable something_to_do;
  std::condition_variable nothing_to_do;
  std::deque<std::string> lines;
  std::size_t bytes = 0;  ///< Of `lines`, and of the line that is being written.
  bool writing = false;   ///< A line is out of `lines` and not yet written.
  bool full = false;      ///< Lines are dropped until half of the room is free again.
  bool stopping = false;
  bool ended = false;
  std::uint64_t unreported = 0;  ///< Dropped, and no line in the log says so yet.
  std::uint64_t dropped = 0;
};

LineWriter::LineWriter(int fd, std::size_t most_bytes)
    : state_(std::make_shared<State>(fd, most_bytes)), thread_([state = state_] { run(state); }) {}

LineWriter::~LineWriter() {
  std::unique_lock lock{state_->mutex};
  state_->stopping = true;
  state_->something_to_do.notify_one();
  const bool ended = state_->nothing_to_do.wait_for(lock, std::chrono::nanoseconds{kLastWords_ns},
                                                    [this] { return state_->ended; });
  lock.unlock();
  // A thread that sits in a write which another writer's bytes made block cannot be ended: it is left behind.
  ended ? thread_.join() : thread_.detach();
}

void LineWriter::put(std::string line) {
  const std::lock_guard lock{state_->mutex};
  State& state = *state_;
  if (state.full && state.bytes <= state.most_bytes / 2) state.full = false;
  if (state.full || state.bytes + line.size() > state.most_bytes) {
    state.full = true;
    ++state.unreported;
    ++state.dropped;
    return;
  }
  if (state.unreported > 0) {
    std::string missing = "(" + std::to_string(std::exchange(state.unreported, 0)) +
                          " lines of this log are missing here: they were not read in time)\n";
    state.bytes += missing.size();
    state.lines.push_back(std::move(missing));
  }
  state.bytes += line.size();
  state.lines.push_back(std::move(line));
  state.something_to_do.notify_one();
}

bool LineWriter::flush(Ns limit_ns) {
  std::unique_lock lock{state_->mutex};
  return state_->nothing_to_do.wait_for(lock, std::chrono::nanoseconds{limit_ns},
                                        [this] { return state_->lines.empty() && !state_->writing; });
}

std::uint64_t LineWriter::dropped() const {
  const std::lock_guard lock{state_->mutex};
  return state_->dropped;
}

void LineWriter::run(const std::shared_ptr<State>& state) {
  name_this_thread("backhand-log");
  // It begins before the process has set its mask; a signal that came here would end the process.
  sigset_t all;
  sigfillset(&all);
  (void)::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  const auto is_stopping = [&state] {
    const std::lock_guard lock{state->mutex};
    return state->stopping;
  };
  /// Whether all of it was written. Pieces of at most PIPE_BUF bytes: a pipe that is writable takes one at
  /// once.
  const auto write_line = [&](std::string_view line) {
    while (!line.empty()) {
      pollfd entry{.fd = state->fd, .events = POLLOUT, .revents = 0};
      const int ready = ::poll(&entry, 1, kLook_ms);
      if (ready == 0 && is_stopping()) return false;
      if (ready <= 0) continue;
      const ssize_t put = ::write(state->fd, line.data(), std::min<std::size_t>(line.size(), PIPE_BUF));
      if (put < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (put <= 0) return false;  // The reader is gone.
      line.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  };
  std::unique_lock lock{state->mutex};
  for (;;) {
    state->something_to_do.wait(lock, [&] { return state->stopping || !state->lines.empty(); });
    if (state->lines.empty()) break;
    const std::string line = std::move(state->lines.front());
    state->lines.pop_front();
    state->writing = true;
    lock.unlock();
    const bool written = write_line(line);
    lock.lock();
    state->writing = false;
    state->bytes -= line.size();
    if (!written) ++state->dropped;
    if (!written && state->stopping) {
      // Nobody reads, and nobody waits for a reader any more.
      state->dropped += state->lines.size();
      state->lines.clear();
    }
    if (state->lines.empty()) state->nothing_to_do.notify_all();
  }
  state->ended = true;
  state->nothing_to_do.notify_all();
}

}  // namespace backhand::service

// Writes lines to a descriptor from a thread of its own. Whoever puts a line never waits for whoever reads
// the other end: what the reader does not take is dropped and counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "common/time.hpp"

namespace backhand::service {

class LineWriter {
 public:
  static constexpr std::size_t kMostBytes = 1'048'576;  ///< Waiting to be written, all lines together.

  /// `fd` is not owned and stays as it is: other processes may share it, so it is not made non-blocking.
  explicit LineWriter(int fd, std::size_t most_bytes = kMostBytes);
  /// Gives the reader a moment for what is left; what is not taken then is lost.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  /// Takes one line, with its newline. Dropped where too much waits; the next line that finds room is
  /// preceded by one that says how many are missing. Any thread.
  void put(std::string line);
  /// Waits until all that was put has been written or dropped, at most `limit_ns`. Any thread.
  bool flush(Ns limit_ns);
  /// Lines that were never written. Any thread.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state);

  /// Shared with the thread, which may still be stuck in a write when this object goes.
  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace backhand::service

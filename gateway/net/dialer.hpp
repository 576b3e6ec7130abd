// The dialing thread: looks names up, connects, shakes hands and proves each new connection with one probe,
// then moves it to the I/O thread through a queue. Made before the loop starts, joined after it.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "common/error.hpp"
#include "common/time.hpp"
#include "gateway/net/link.hpp"
#include "gateway/net/settings.hpp"

namespace backhand::net {

/// How one dial ended.
struct DialResult {
  std::unique_ptr<Link> link;  ///< With its exchange holding the probe's reply; null: no connection.
  std::string problem;  ///< Without a link: one sentence for a person that names the host. With one: why the
                        ///< authorities, whose file has changed, could not be read again; else empty.
  Ns probe_written_ns = 0;   ///< Just before the probe's send.
  Ns probe_readable_ns = 0;  ///< When the first bytes of its reply were there.
  Ns probe_replied_ns = 0;   ///< When its reply was whole.
};

class Dialer {
 public:
  /// Starts the thread.
  [[nodiscard]] static std::expected<std::unique_ptr<Dialer>, Error> create(const Settings& settings);
  /// Stops and joins it; what was dialed and not taken is closed.
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  /// One more connection is wanted; exactly one result will come. I/O thread.
  void dial();
  /// The next result, if one is there. I/O thread.
  [[nodiscard]] bool try_take(DialResult& result) noexcept;
  /// Frees what is left of a closed connection, off the I/O thread where possible. I/O thread.
  void bury(std::unique_ptr<Link> link) noexcept;
  /// An eventfd that is readable when a result has come.
  [[nodiscard]] int wake_fd() const noexcept;

 private:
  class Thread;
  class Dial;
  explicit Dialer(std::unique_ptr<Thread> thread) noexcept;

  std::unique_ptr<Thread> thread_;
};

}  // namespace backhand::net

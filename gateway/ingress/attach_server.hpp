// Listens where strategies attach, checks who they are, and hands their lanes over to the I/O thread. Service
// thread only; destroyed before the LaneSet whose port it uses. A slow, silent or dead peer holds up nobody.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "common/error.hpp"
#include "common/ids.hpp"
#include "common/time.hpp"
#include "gateway/ingress/admission.hpp"
#include "gateway/ingress/lane_port.hpp"

namespace backhand::ingress {

struct AttachSettings {
  std::string path;           ///< Of the socket; ≤ 107 bytes.
  mode_t socket_mode = 0600;  ///< 0660 where strategies run under a common group.
  std::vector<StrategyAccess> strategies;
  Ns request_timeout_ns = kSecond;   ///< From accept to a whole request.
  std::uint32_t max_attaching = 64;  ///< Peers between accept and reply; more are told `busy`.
  /// One line for the log for each attach, refusal and detach; may be empty. Of refusals it gets at most ten
  /// a second, and then how many more there were.
  std::function<void(std::string_view)> log;
};

/// Who is attached now; for the status page.
struct AttachedPeer {
  StrategyIndex strategy;
  wire::LaneName lane_name;
  LaneIndex lane;
  pid_t pid = 0;
  uid_t uid = 0;
};

class AttachServer {
 public:
  /// Binds and listens. An error where a live server holds the path or something there is no socket; a dead
  /// server's socket is replaced.
  [[nodiscard]] static std::expected<std::unique_ptr<AttachServer>, Error> listen(AttachSettings settings,
                                                                                  LanePort& port);
  /// Closes all peers and removes the socket.
  ~AttachServer();
  AttachServer(const AttachServer&) = delete;
  AttachServer& operator=(const AttachServer&) = delete;

  /// Readable when `do_work` has something to do, time limits included: an epoll descriptor.
  [[nodiscard]] int poll_fd() const noexcept;
  /// Never blocks; a few events and new peers at most, so that a crowd does not keep its caller. Returns how
  /// much was done.
  std::size_t do_work();

  /// From now on every attach is answered `stopping`; those attached stay.
  void refuse_new() noexcept;

  [[nodiscard]] std::vector<AttachedPeer> peers() const;

 private:
  class Core;
  explicit AttachServer(std::unique_ptr<Core> core) noexcept;
  std::unique_ptr<Core> core_;
};

}  // namespace backhand::ingress

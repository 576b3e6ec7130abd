// One attach, from connecting to the mapped lane, without blocking: begin, then `advance` whenever the socket
// is readable. Any one thread.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "common/error.hpp"
#include "common/shm/fd.hpp"
#include "common/shm/region.hpp"
#include "common/wire/attach.hpp"
#include "common/wire/lane.hpp"

namespace backhand::client {

/// An attached lane's memory, as the strategy's process holds it. Shared by the two threads' ends; the last
/// one unmaps.
struct Mapping {
  shm::Region lane;
  shm::Region doorbell;
  shm::Fd event;
  wire::LaneView view;
  wire::LaneGeometry geometry;
  wire::DoorbellWord* word = nullptr;  ///< The doorbell's word that has our bit.
  std::uint64_t bit = 0;
};

struct AttachedLane {
  std::shared_ptr<const Mapping> mapping;
  shm::Fd socket;  ///< Stays open; its end is the gateway's death.
  shm::Fd
      gateway;  ///< The gateway's pidfd: readable when its process has ended. None where that is not told.
  wire::AttachReply reply{};
};

class AttachCall {
 public:
  [[nodiscard]] static std::expected<AttachCall, Error> begin(const std::string& path,
                                                              const wire::AttachRequest& request);
  /// Empty while the reply is still awaited. After an answer or an error the call is over.
  [[nodiscard]] std::expected<std::optional<AttachedLane>, Error> advance();
  /// For waiting; readable when `advance` has something to do.
  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

 private:
  AttachCall(shm::Fd socket, std::string path) noexcept
      : socket_(std::move(socket)), path_(std::move(path)) {}

  shm::Fd socket_;
  std::string path_;
};

}  // namespace backhand::client

// The way between the service thread, which talks to strategies over the attach socket, and the I/O thread,
// which owns the lanes: commands one way, answers back, both over moodycamel queues. Memory is made and given
// back on the service thread, so that the I/O thread never maps or unmaps.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <memory>

#include "common/error.hpp"
#include "common/ids.hpp"
#include "common/shm/fd.hpp"
#include "common/shm/region.hpp"
#include "common/wire/attach.hpp"
#include "common/wire/lane.hpp"

namespace backhand::ingress {

/// What a lane consists of on the gateway's side.
struct LaneMemory {
  shm::Region region;
  shm::Fd event;  ///< Eventfd that the strategy writes. Never read here: its owner could make a read block.
};

/// Makes a formatted, sealed lane and its eventfd. Any thread.
[[nodiscard]] std::expected<std::unique_ptr<LaneMemory>, Error> make_lane_memory(
    const wire::LaneGeometry& geometry);

/// Service → I/O.
struct LaneCommand {
  enum class Kind : std::uint8_t { attach, close };
  Kind kind = Kind::attach;
  std::uint64_t ticket = 0;  ///< Names one attachment, from its request to its end.
  StrategyIndex strategy;    ///< attach
  wire::LaneName lane;       ///< attach
  std::uint64_t cursor = 0;  ///< attach
  std::unique_ptr<LaneMemory> memory;
};

/// I/O → service.
struct LaneAnswer {
  enum class Kind : std::uint8_t {
    attached,  ///< The lane serves; tell the strategy.
    refused,   ///< `status` says why; `memory` comes back.
    broken,    ///< The strategy wrote nonsense into its lane: close its socket.
    released,  ///< After close: `memory` comes back.
  };
  Kind kind = Kind::attached;
  std::uint64_t ticket = 0;
  wire::AttachStatus status = wire::AttachStatus::ok;
  LaneIndex lane;
  std::uint64_t taken_mark = 0;
  std::uint64_t last_record = 0;
  std::uint64_t cursor = 0;  ///< Where the replay begins.
  std::unique_ptr<LaneMemory> memory;
};

class LanePort {
 public:
  /// `lanes` is the number of bits in the doorbell.
  [[nodiscard]] static std::expected<std::unique_ptr<LanePort>, Error> create(
      std::uint32_t lanes, const wire::LaneGeometry& geometry);
  ~LanePort();
  LanePort(const LanePort&) = delete;
  LanePort& operator=(const LanePort&) = delete;

  /// Hands a command over and wakes the I/O thread. Service thread.
  void post(LaneCommand&& command);
  /// Service thread.
  [[nodiscard]] bool take(LaneAnswer& answer);
  /// Readable while answers wait. Service thread.
  [[nodiscard]] int answer_fd() const noexcept { return answer_event_.get(); }

  /// One load. I/O thread.
  [[nodiscard]] bool command_waits() const noexcept {
    return posted_.load(std::memory_order_acquire) != handled_;
  }
  /// I/O thread.
  [[nodiscard]] bool take(LaneCommand& command);
  void post(LaneAnswer&& answer);
  /// Written at each command; for waking the I/O thread. Never needs to be read where it is watched
  /// edge-triggered.
  [[nodiscard]] int command_fd() const noexcept { return command_event_.get(); }

  [[nodiscard]] const shm::Region& doorbell() const noexcept { return doorbell_; }
  [[nodiscard]] std::uint32_t doorbell_lanes() const noexcept { return doorbell_lanes_; }
  [[nodiscard]] const wire::LaneGeometry& geometry() const noexcept { return geometry_; }

 private:
  struct Queues;
  LanePort();

  shm::Region doorbell_;
  shm::Fd command_event_;
  shm::Fd answer_event_;
  std::uint32_t doorbell_lanes_ = 0;
  wire::LaneGeometry geometry_;
  std::unique_ptr<Queues> queues_;
  alignas(shm::kLinePair) std::atomic<std::uint64_t> posted_{0};  ///< By the service thread.
  alignas(shm::kLinePair) std::uint64_t handled_ = 0;             ///< Of the I/O thread alone.
};

}  // namespace backhand::ingress

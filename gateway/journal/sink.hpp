// The port through which the engine writes the journal. Owned by the service; called from the I/O thread
// only.
#pragma once

#include <cstdint>
#include <span>

#include "gateway/journal/record.hpp"

namespace backhand::journal {

enum class [[nodiscard]] AppendStatus : std::uint8_t {
  durable,  ///< Survives what the configured durability promises, from now on.
  pending,  ///< Durability "power": so as soon as durable_number() >= number.
  full,     ///< No room until the disk has caught up; nothing was appended. Whoever looks at `room` first
            ///< never sees it.
  failed,   ///< The journal has failed for good (disk full, I/O error): nothing was nor will be appended.
};

struct [[nodiscard]] Appended {
  AppendStatus status;
  std::uint64_t number;  ///< Of the entry's last record; 0 with full and failed.
};

struct Room {
  std::uint64_t free;   ///< Records that can be appended before the disk has taken more.
  std::uint64_t slots;  ///< Of the ring.
};

class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  /// Appends all records of one entry, or none; stamps number, real time, epoch and checksum into them.
  /// No system call, no allocation.
  virtual Appended append(std::span<Record> parts) noexcept = 0;
  Appended append(Entry& entry) noexcept { return append(entry.parts()); }
  template <JournalBody Body>
  Appended append(const Stamp& stamp, const Body& body) noexcept {
    Entry entry{stamp, body};
    return append(entry.parts());
  }

  /// At least so much room is left. As cheap as an append.
  [[nodiscard]] virtual Room room() noexcept = 0;

  /// Every record up to this number is durable. Never decreases.
  [[nodiscard]] virtual std::uint64_t durable_number() const noexcept = 0;

  /// Whether it has failed for good. What is pending then never becomes durable.
  [[nodiscard]] virtual bool failed() const noexcept { return false; }

  /// Brings the memory that the next entries go to into the cache: for rehearsals between two shots.
  virtual void warm() noexcept {}
};

}  // namespace backhand::journal

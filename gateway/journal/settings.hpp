// Where a journal lives and how large its parts are. Filled from the configuration by the service.
#pragma once

#include <cstdint>
#include <string>

#include "gateway/journal/record.hpp"

namespace backhand::journal {

enum class Durability : std::uint8_t {
  process = 0,  ///< Appended survives the process at once, the machine within 10 ms.
  power = 1,    ///< Durable means on disk.
};

inline constexpr std::uint32_t kMostHotRecords = 1U << 20;

struct Settings {
  std::string state_dir;  ///< Segments, manifest, lock. Exists, and is ours alone.
  std::string hot_dir;    ///< tmpfs; process durability only.
  Durability durability = Durability::process;
  std::uint64_t segment_records = 64ULL * 1024 * 1024 / sizeof(Record);  ///< Behind the checkpoint.
  std::uint32_t keep_segments = 16;  ///< At least 1; the newest is always kept.
  /// Ring between engine and disk; a power of two, 64 … kMostHotRecords. As the default configuration has it.
  std::uint32_t hot_records = 1U << 15;
  std::uint32_t keep_outcomes = 1024;  ///< Per lane, for replay.
  std::uint64_t config_hash = 0;
  FixedString<8> oid_prefix{"bh"};
  FixedString<16> program_version;
  /// Start although the hot segment is damaged or missing, as if the machine had lost power: every position
  /// is then to be blocked first. An operator's decision, never a default.
  bool accept_lost_hot = false;
};

}  // namespace backhand::journal

// Halts that the journal could not record, in a small file beside it, so that a restart does not undo an
// operator's halt. One file on disk outlives the machine; one in the hot directory outlives the process and
// can be written while the disk does not answer.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "gateway/journal/settings.hpp"
#include "gateway/journal/storage.hpp"

namespace backhand::journal {

struct MarkedHalt {
  std::string account;  ///< Empty: all accounts.
  std::string reason;
  friend bool operator==(const MarkedHalt&, const MarkedHalt&) = default;
};

/// The file in the state directory.
[[nodiscard]] std::string halt_marker_on_disk(const Settings& settings);
/// The file in the hot directory, of this state directory.
[[nodiscard]] std::string halt_marker_in_memory(const Settings& settings);

/// What the file at `path` says; nothing where there is none. A file that cannot be understood halts
/// everything: an operator meant something by it.
[[nodiscard]] std::vector<MarkedHalt> read_halt_marker(Storage& storage, const std::string& path);

/// Replaces the file in the state directory by `halts`, durably; removes it where there are none. Waits for
/// the disk.
[[nodiscard]] std::expected<void, Error> mark_halts_on_disk(Storage& storage, const Settings& settings,
                                                            std::span<const MarkedHalt> halts);
/// The same for the file in the hot directory; no sync, as tmpfs needs none.
[[nodiscard]] std::expected<void, Error> mark_halts_in_memory(Storage& storage, const Settings& settings,
                                                              std::span<const MarkedHalt> halts);

}  // namespace backhand::journal

// Reads a whole journal, all segments that are kept and the hot one, also while a gateway is running: for
// `backhand journal` and `backhand explain`. Changes nothing and takes no lock.
#pragma once

#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "gateway/journal/record.hpp"
#include "gateway/journal/settings.hpp"

namespace backhand::journal {

class Storage;

struct WalkOptions {
  bool checkpoints = false;       ///< Also the records that head each segment.
  std::uint64_t from_number = 0;  ///< Leaves out what is older.
};

/// Calls `sink` with every whole entry in order. Returns one sentence for each thing that is not as it should
/// be (a damaged record, a missing segment); the walk goes on behind it. The error: the directory cannot be
/// read.
[[nodiscard]] std::expected<std::vector<std::string>, Error> walk_journal(
    Storage& storage, const Settings& settings, const WalkOptions& options,
    const std::function<void(std::span<const Record>)>& sink);

enum class Format : std::uint8_t { text, json };

/// The story of one intent by its clientOid: every entry about it, and the venue's raw replies, in the order
/// of their times, one line each. The error also says where the journal knows no such name.
[[nodiscard]] std::expected<std::vector<std::string>, Error> explain(Storage& storage,
                                                                     const Settings& settings,
                                                                     std::string_view client_oid,
                                                                     Format format);

}  // namespace backhand::journal

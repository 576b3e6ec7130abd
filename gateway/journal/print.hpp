// Journal entries and raw replies for people and programs: one line of text, or one JSON object, each.
#pragma once

#include <span>
#include <string>

#include "gateway/journal/raw_replies.hpp"
#include "gateway/journal/record.hpp"

namespace backhand::journal {

/// "2026-10-03T12:00:00.000123456Z #42 intended bh… field=value …", without a line's end. `parts` is one
/// whole, valid entry.
[[nodiscard]] std::string to_text(std::span<const Record> parts);
/// The same fields as one JSON object.
[[nodiscard]] std::string to_json(std::span<const Record> parts);

[[nodiscard]] std::string to_text(const RawReply& reply);
[[nodiscard]] std::string to_json(const RawReply& reply);

}  // namespace backhand::journal

// Journal entries and raw replies for people and programs: one line of text, or one JSON object, each.
#pragma once

#include <span>
#include <string>

#include "gateway/journal/raw_replies.hpp"
#include "gateway/journal/record.hpp"

namespace backhand::journal {

/// "2026-10-03T12:00:00.000123456Z #42 intended bh… field=value …", without a line's end. `parts` is one
/// whole, valid entry. `lane`: the record that opened its lane, for the names of strategy and lane beside the
/// lane's number; null: the number alone.
[[nodiscard]] std::string to_text(std::span<const Record> parts, const LaneOpened* lane = nullptr);
/// The same fields as one JSON object.
[[nodiscard]] std::string to_json(std::span<const Record> parts, const LaneOpened* lane = nullptr);

[[nodiscard]] std::string to_text(const RawReply& reply);
[[nodiscard]] std::string to_json(const RawReply& reply);

}  // namespace backhand::journal

#include "gateway/journal/reader.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "gateway/journal/print.hpp"
#include "gateway/journal/raw_replies.hpp"
#include "gateway/journal/segment.hpp"
#include "gateway/journal/segment_reader.hpp"
#include "gateway/journal/storage.hpp"

namespace backhand::journal {
namespace {

/// One walk: what has been seen so far, and where it was wrong.
class Walk {
 public:
  Walk(Storage& storage, const Settings& settings, const WalkOptions& options,
       const std::function<void(std::span<const Record>)>& sink)
      : storage_{storage}, settings_{settings}, options_{options}, sink_{sink} {}

  std::expected<std::vector<std::string>, Error> run();

 private:
  void read_segment(std::uint64_t segment, bool newest);
  void read_hot();
  void give(std::span<const Record> entry) {
    if (entry[0].number >= options_.from_number) sink_(entry);
  }

  Storage& storage_;
  const Settings& settings_;
  const WalkOptions& options_;
  const std::function<void(std::span<const Record>)>& sink_;
  std::vector<std::string> complaints_;
  std::uint64_t next_ = 0;  // 0: nothing was read yet.
  std::uint64_t journal_id_ = 0;
};

std::expected<std::vector<std::string>, Error> Walk::run() {
  const auto names = storage_.list(settings_.state_dir);
  if (!names) return std::unexpected(os_error("cannot list " + settings_.state_dir, names.error()));
  std::vector<std::uint64_t> segments;
  for (const std::string& name : *names) {
    if (const auto segment = parse_segment_name(name)) segments.push_back(*segment);
  }
  std::ranges::sort(segments);
  for (const std::uint64_t segment : segments) read_segment(segment, segment == segments.back());
  read_hot();
  return std::move(complaints_);
}

void Walk::read_segment(std::uint64_t segment, bool newest) {
  const std::string path = segment_path(settings_.state_dir, segment);
  auto reader = SegmentReader::open(storage_, path);
  if (!reader) {
    complaints_.push_back(reader.error().message);
    return;
  }
  const std::uint64_t first = reader->header().first_number;
  if (next_ != 0 && first != next_)
    complaints_.push_back("records " + std::to_string(next_) + " to " + std::to_string(first - 1) +
                          " are missing before " + path);
  journal_id_ = reader->header().journal_id;
  while (true) {
    const auto step = reader->next();
    if (!step) {
      complaints_.push_back(step.error().message);
      break;
    }
    if (*step != SegmentReader::Step::entry) {
      const bool torn = *step == SegmentReader::Step::torn;
      if (torn || reader->in_checkpoint())
        complaints_.push_back(path + ", offset " + std::to_string(reader->offset()) + ": record " +
                              std::to_string(reader->number()) + ": " +
                              (torn ? reader->why() : "the checkpoint ends early") +
                              (newest ? " (at the end of the newest segment: a write was cut off)" : ""));
      break;
    }
    if (!reader->in_checkpoint())
      give(reader->entry());
    else if (options_.checkpoints)
      sink_(reader->entry());
  }
  next_ = reader->in_checkpoint() ? first : reader->number();
}

void Walk::read_hot() {
  if (settings_.hot_dir.empty() || next_ == 0) return;
  const std::string path = hot_path(settings_);
  const auto handle = storage_.open(path, OpenMode::read);
  if (!handle) {
    if (handle.error() != ENOENT)
      complaints_.push_back(os_error("cannot open " + path, handle.error()).message);
    return;
  }
  const File file{storage_, *handle};
  HotHeader header{};
  const auto got = read_fully(storage_, file.handle(), std::as_writable_bytes(std::span{&header, 1}), 0);
  if (!got || *got != sizeof(header) || !is_valid(header) || header.journal_id != journal_id_) return;
  const auto read = [&](std::uint64_t number) -> std::optional<Record> {
    Record record{};
    const std::uint64_t offset = HotHeader::kBytes + number % header.slots * sizeof(Record);
    const auto bytes =
        read_fully(storage_, file.handle(), std::as_writable_bytes(std::span{&record, 1}), offset);
    if (!bytes || *bytes != sizeof(record) || !is_valid(record) || record.number != number)
      return std::nullopt;
    return record;
  };
  while (next_ < header.head) {
    std::vector<Record> entry;
    for (std::uint64_t number = next_; entry.empty() || number < next_ + entry[0].parts(); ++number) {
      const auto record = read(number);
      // A running gateway may have moved on meanwhile: what is gone from the ring is on disk by now.
      if (!record) {
        complaints_.push_back(path + ": record " + std::to_string(number) +
                              " is not whole, or was copied to disk just now");
        return;
      }
      entry.push_back(*record);
    }
    next_ += entry.size();
    give(entry);
  }
}

/// The intent id that an entry about a reversal carries; 0 where it is about none.
std::uint64_t intent_of(std::span<const Record> parts) {
  switch (parts[0].kind) {
    case Kind::taken:
      return body_of<Taken>(parts).intent_id;
    case Kind::shot_taken:
      return body_of<ShotTaken>(parts).taken.intent_id;
    case Kind::intended:
      return body_of<Intended>(parts).intent_id;
    case Kind::voided:
      return body_of<Voided>(parts).intent_id;
    case Kind::sent:
      return body_of<Sent>(parts).intent_id;
    case Kind::learned:
      return body_of<Learned>(parts).intent_id;
    case Kind::settled:
      return body_of<Settled>(parts).intent_id;
    case Kind::resolved:
      return body_of<Resolved>(parts).intent_id;
    case Kind::outcome:
      return unpack_outcome(body_of<OutcomeBody>(parts), parts[0].key()).intent_id;
    default:
      return 0;
  }
}

/// The epoch of the start whose names begin so, where this entry tells it; else 0.
std::uint32_t epoch_of(std::span<const Record> entry, const OidStart& start) {
  const auto is_it = [&](const OidStart& other) {
    return other.random == start.random && other.journal_tag == start.journal_tag;
  };
  switch (entry[0].kind) {
    case Kind::started:
      return is_it(body_of<Started>(entry).oid_start()) ? entry[0].epoch : 0;
    case Kind::start_name: {
      const auto named = body_of<StartName>(entry);
      return named.found == 0 && is_it({named.prefix, named.journal_tag, named.random}) ? named.epoch : 0;
    }
    default:
      return 0;
  }
}

}  // namespace

std::expected<std::vector<std::string>, Error> walk_journal(
    Storage& storage, const Settings& settings, const WalkOptions& options,
    const std::function<void(std::span<const Record>)>& sink) {
  return Walk{storage, settings, options, sink}.run();
}

std::expected<std::vector<std::string>, Error> explain(Storage& storage, const Settings& settings,
                                                       std::string_view client_oid, Format format) {
  const auto parsed = parse_client_oid(client_oid);
  if (!parsed)
    return std::unexpected(Error{"\"" + std::string{client_oid} + "\" is no clientOid of this gateway"});
  ReversalKey key{parsed->epoch, parsed->lane, parsed->sequence};
  std::uint64_t intent_id = 0;
  std::optional<LaneOpened> lane;
  // A first walk finds the start that gave the name, the lane's names and the intent's id: what happened
  // before its key was given has only that.
  const auto found = walk_journal(
      storage, settings, {.checkpoints = true, .from_number = 0}, [&](std::span<const Record> entry) {
        if (key.epoch == 0) key.epoch = epoch_of(entry, parsed->start);
        if (intent_id == 0 && entry[0].key() == key) intent_id = intent_of(entry);
        if (intent_id == 0 && entry[0].kind == Kind::lane_opened && entry[0].lane == key.lane)
          lane = body_of<LaneOpened>(entry);
      });
  if (!found) return std::unexpected(found.error());
  if (intent_id == 0)
    return std::unexpected(
        Error{"the journal in " + settings.state_dir + " knows no " + std::string{client_oid}});
  struct Line {
    std::int64_t real_ns;
    std::string text;
  };
  std::vector<Line> lines;
  const auto told = walk_journal(storage, settings, {}, [&](std::span<const Record> entry) {
    const Record& head = entry[0];
    const bool same_key = head.key() == key;
    const bool before_its_key = !head.key().valid() && head.lane == key.lane && intent_of(entry) == intent_id;
    if (!same_key && !before_its_key) return;
    const LaneOpened* named = lane ? &*lane : nullptr;
    lines.push_back({head.real_ns, format == Format::text ? to_text(entry, named) : to_json(entry, named)});
  });
  if (!told) return std::unexpected(told.error());
  const auto replies = read_raw_replies(storage, settings.state_dir, [&](const RawReply& reply) {
    if (reply.key == key)
      lines.push_back({reply.real_ns, format == Format::text ? to_text(reply) : to_json(reply)});
  });
  if (!replies) return std::unexpected(replies.error());
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line& a, const Line& b) { return a.real_ns < b.real_ns; });
  std::vector<std::string> story;
  story.reserve(lines.size() + 1);
  for (Line& line : lines) story.push_back(std::move(line.text));
  if (story.empty())
    story.push_back("the records of " + std::string{client_oid} +
                    " have been dropped with old segments; it is still open");
  return story;
}

}  // namespace backhand::journal

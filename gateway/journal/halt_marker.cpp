#include "gateway/journal/halt_marker.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>

#include "gateway/journal/segment.hpp"

namespace backhand::journal {
namespace {

constexpr std::string_view kFirstLine = "backhand halts 1\n";
constexpr std::string_view kLastLine = "end\n";
constexpr std::string_view kAll = "*";
constexpr std::size_t kMostBytes = 1'048'576;

/// A line's parts are set apart by tabs and lines by newlines.
std::string without_breaks(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return text;
}

std::string to_text(std::span<const MarkedHalt> halts) {
  std::string out{kFirstLine};
  for (const MarkedHalt& halt : halts) {
    out +=
        (halt.account.empty() ? std::string{kAll} : halt.account) + '\t' + without_breaks(halt.reason) + '\n';
  }
  return out += kLastLine;
}

std::optional<std::vector<MarkedHalt>> from_text(std::string_view text) {
  if (!text.starts_with(kFirstLine) || !text.ends_with(kLastLine) ||
      text.size() < kFirstLine.size() + kLastLine.size())
    return std::nullopt;
  text.remove_prefix(kFirstLine.size());
  text.remove_suffix(kLastLine.size());
  std::vector<MarkedHalt> halts;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t tab = text.find('\t');
    if (end == std::string_view::npos || tab > end || tab == 0) return std::nullopt;
    const std::string_view account = text.substr(0, tab);
    halts.push_back(
        {std::string{account == kAll ? "" : account}, std::string{text.substr(tab + 1, end - tab - 1)}});
    text.remove_prefix(end + 1);
  }
  return halts;
}

std::expected<void, Error> replace(Storage& storage, const std::string& path,
                                   std::span<const MarkedHalt> halts, const std::string& directory_to_sync) {
  const bool sync = !directory_to_sync.empty();
  const auto failed = [](const char* what, const std::string& name, int error) {
    return std::unexpected(os_error("cannot " + std::string{what} + ' ' + name, error));
  };
  if (halts.empty()) {
    const auto removed = storage.remove(path);
    if (!removed && removed.error() == ENOENT) return {};
    if (!removed) return failed("remove", path, removed.error());
  } else {
    const std::string unfinished = path + std::string{kUnfinished};
    auto file = File::open(storage, unfinished, OpenMode::create_truncate);
    if (!file) return std::unexpected(file.error());
    const std::string text = to_text(halts);
    if (const auto written = write_all(storage, file->handle(), std::as_bytes(std::span{text}), 0); !written)
      return failed("write to", unfinished, written.error());
    if (sync) {
      if (const auto synced = storage.fdatasync(file->handle()); !synced)
        return failed("sync", unfinished, synced.error());
    }
    if (const auto renamed = storage.rename(unfinished, path); !renamed)
      return failed("rename to", path, renamed.error());
  }
  if (sync) {
    if (const auto synced = storage.sync_directory(directory_to_sync); !synced)
      return failed("sync", directory_to_sync, synced.error());
  }
  return {};
}

}  // namespace

std::string halt_marker_on_disk(const Settings& settings) { return settings.state_dir + "/halts"; }

std::string halt_marker_in_memory(const Settings& settings) { return hot_path(settings) + ".halts"; }

std::vector<MarkedHalt> read_halt_marker(Storage& storage, const std::string& path) {
  const auto not_understood = [&path](const std::string& why) {
    return std::vector<MarkedHalt>{{"", path + " cannot be read: " + why}};
  };
  const auto handle = storage.open(path, OpenMode::read);
  if (!handle && handle.error() == ENOENT) return {};
  if (!handle) return not_understood(os_error("open", handle.error()).message);
  const File file{storage, *handle};
  const auto size = storage.size(file.handle());
  if (!size || *size > kMostBytes) return not_understood("it is no file of halts");
  std::string text(static_cast<std::size_t>(*size), '\0');
  const auto got = read_fully(storage, file.handle(), std::as_writable_bytes(std::span{text}), 0);
  if (!got || *got != text.size()) return not_understood("it cannot be read to its end");
  auto halts = from_text(text);
  return halts ? std::move(*halts) : not_understood("it is no file of halts");
}

std::expected<void, Error> mark_halts_on_disk(Storage& storage, const Settings& settings,
                                              std::span<const MarkedHalt> halts) {
  return replace(storage, halt_marker_on_disk(settings), halts, settings.state_dir);
}

std::expected<void, Error> mark_halts_in_memory(Storage& storage, const Settings& settings,
                                                std::span<const MarkedHalt> halts) {
  return replace(storage, halt_marker_in_memory(settings), halts, {});
}

}  // namespace backhand::journal

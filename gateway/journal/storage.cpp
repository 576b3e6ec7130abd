#include "gateway/journal/storage.hpp"

#include <cerrno>

namespace backhand::journal {

std::expected<File, Error> File::open(Storage& storage, const std::string& path, OpenMode mode) {
  const auto handle = storage.open(path, mode);
  if (!handle) return std::unexpected(os_error("cannot open " + path, handle.error()));
  return File{storage, *handle};
}

Storage::Result<void> write_all(Storage& storage, Storage::Handle handle, std::span<const std::byte> from,
                                std::uint64_t offset) {
  while (!from.empty()) {
    const auto written = storage.pwrite(handle, from, offset);
    if (!written) return std::unexpected(written.error());
    if (*written == 0) return std::unexpected(EIO);
    from = from.subspan(*written);
    offset += *written;
  }
  return {};
}

Storage::Result<std::size_t> read_fully(Storage& storage, Storage::Handle handle, std::span<std::byte> into,
                                        std::uint64_t offset) {
  std::size_t total = 0;
  while (total < into.size()) {
    const auto got = storage.pread(handle, into.subspan(total), offset + total);
    if (!got) return std::unexpected(got.error());
    if (*got == 0) break;
    total += *got;
  }
  return total;
}

std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return hash;
}

}  // namespace backhand::journal

// CRC32C (Castagnoli): by the CPU's own instruction where it has one, else by table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace backhand::journal {

/// The checksum of `bytes`, as in RFC 3720: "123456789" gives 0xE3069283. Any thread.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes) noexcept;

/// The same by table, on any CPU: what the other is tested against.
[[nodiscard]] std::uint32_t crc32c_portable(std::span<const std::byte> bytes) noexcept;

}  // namespace backhand::journal

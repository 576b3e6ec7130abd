// Memory that the next shot will use, kept near while nothing happens. What a processor's cache holds is
// taken from it by other cores' work too, so it is asked for again and again, a few lines at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "common/prefetch.hpp"

namespace backhand {

/// Pieces of memory, walked through line by line. They are only ever prefetched: one that is freed in the
/// meantime costs time, nothing else. One thread.
class NearMemory {
 public:
  /// What is added beyond `most_bytes` is left out: a cache that is walked out of itself holds nothing. No
  /// memory is taken for the first `pieces` pieces after this.
  explicit NearMemory(std::size_t most_bytes, std::size_t pieces = 0) : left_(most_bytes) {
    pieces_.reserve(pieces);
  }

  void add(const void* from, std::size_t bytes) {
    bytes = std::min(bytes, left_);
    left_ -= bytes;
    if (from == nullptr || bytes == 0) return;
    const char* const first = line_of(from);
    const auto span = static_cast<std::size_t>(static_cast<const char*>(from) + bytes - first);
    pieces_.push_back({first, (span + kCacheLine - 1) / kCacheLine});
  }
  template <typename T>
  void add(const T& object) {
    add(&object, sizeof object);
  }
  template <typename T>
  void add(const std::vector<T>& all) {
    add(all.data(), all.size() * sizeof(T));
  }

  /// Asks for the next `lines` lines. True where there were no more, and the next call begins anew.
  bool walk(std::size_t lines) noexcept {
    for (; lines > 0; --lines) {
      if (piece_ >= pieces_.size()) {
        piece_ = 0;
        return true;
      }
      const Piece& piece = pieces_[piece_];
      prefetch_line_second(piece.from + line_ * kCacheLine);
      if (++line_ < piece.lines) continue;
      line_ = 0;
      ++piece_;
    }
    return false;
  }

  /// Of one round.
  [[nodiscard]] std::size_t lines() const noexcept {
    std::size_t count = 0;
    for (const Piece& piece : pieces_) count += piece.lines;
    return count;
  }

 private:
  struct Piece {
    const char* from;
    std::size_t lines;
  };

  std::vector<Piece> pieces_;
  std::size_t left_;
  std::size_t piece_ = 0;
  std::size_t line_ = 0;
};

}  // namespace backhand

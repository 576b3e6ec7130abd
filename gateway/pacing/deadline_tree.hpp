// Sets of waiting intents ordered by deadline, then by coming; many trees over one pool of nodes. A treap
// that knows the size of each subtree, so that a rank costs O(log n). No allocation after construction.
#pragma once

#include <cstdint>
#include <vector>

#include "common/time.hpp"

namespace backhand::pacing {

class DeadlineTree {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  explicit DeadlineTree(std::uint32_t nodes) : nodes_(nodes) {}

  /// Adds `node`, which is in no tree, to the tree at `root`.
  void insert(std::uint32_t& root, std::uint32_t node, Ns deadline_ns) noexcept;
  /// Takes `node` out of the tree at `root`, in which it is.
  void erase(std::uint32_t& root, std::uint32_t node) noexcept;
  /// The earliest of a tree; kNone of an empty one.
  [[nodiscard]] std::uint32_t first(std::uint32_t root) const noexcept;
  /// How many of the tree lie before `node`, which is in it.
  [[nodiscard]] std::uint32_t rank(std::uint32_t root, std::uint32_t node) const noexcept;
  /// How many would lie before one that came now.
  [[nodiscard]] std::uint32_t rank_of_new(std::uint32_t root, Ns deadline_ns) const noexcept;
  [[nodiscard]] std::uint32_t size(std::uint32_t root) const noexcept {
    return root == kNone ? 0 : nodes_[root].size;
  }

 private:
  struct Node {
    Ns deadline_ns = 0;
    std::uint64_t sequence = 0;  ///< Order of coming; equal deadlines go by it.
    std::uint32_t left = kNone;
    std::uint32_t right = kNone;
    std::uint32_t size = 0;
    std::uint32_t weight = 0;  ///< Random; a parent's is the largest of its subtree.
  };

  [[nodiscard]] bool before(const Node& a, const Node& b) const noexcept {
    return a.deadline_ns != b.deadline_ns ? a.deadline_ns < b.deadline_ns : a.sequence < b.sequence;
  }
  void split(std::uint32_t tree, const Node& key, std::uint32_t& left, std::uint32_t& right) noexcept;
  [[nodiscard]] std::uint32_t merge(std::uint32_t left, std::uint32_t right) noexcept;
  void resize(std::uint32_t node) noexcept {
    nodes_[node].size = 1 + size(nodes_[node].left) + size(nodes_[node].right);
  }

  std::vector<Node> nodes_;
  std::uint64_t sequence_ = 0;
};

}  // namespace backhand::pacing

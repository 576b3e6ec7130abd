#include "gateway/pacing/deadline_tree.hpp"

#include "common/assert.hpp"

namespace backhand::pacing {
namespace {

/// A well-mixed number for the heap order of the treap (SplitMix64's finaliser).
std::uint32_t mixed(std::uint64_t x) noexcept {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return static_cast<std::uint32_t>(x >> 32);
}

}  // namespace

void DeadlineTree::insert(std::uint32_t& root, std::uint32_t node, Ns deadline_ns) noexcept {
  Node& fresh = nodes_[node];
  fresh.deadline_ns = deadline_ns;
  fresh.sequence = ++sequence_;
  fresh.weight = mixed(sequence_);
  std::uint32_t* link = &root;
  while (*link != kNone && nodes_[*link].weight >= fresh.weight) {
    Node& parent = nodes_[*link];
    ++parent.size;
    link = before(fresh, parent) ? &parent.left : &parent.right;
  }
  split(*link, fresh, fresh.left, fresh.right);
  *link = node;
  resize(node);
}

void DeadlineTree::erase(std::uint32_t& root, std::uint32_t node) noexcept {
  const Node& gone = nodes_[node];
  std::uint32_t* link = &root;
  while (*link != node) {
    BH_ASSERT(*link != kNone);
    Node& parent = nodes_[*link];
    --parent.size;
    link = before(gone, parent) ? &parent.left : &parent.right;
  }
  *link = merge(gone.left, gone.right);
}

std::uint32_t DeadlineTree::first(std::uint32_t root) const noexcept {
  if (root == kNone) return kNone;
  while (nodes_[root].left != kNone) root = nodes_[root].left;
  return root;
}

std::uint32_t DeadlineTree::rank(std::uint32_t root, std::uint32_t node) const noexcept {
  std::uint32_t before_it = 0;
  while (root != node) {
    BH_ASSERT(root != kNone);
    if (before(nodes_[node], nodes_[root])) {
      root = nodes_[root].left;
    } else {
      before_it += 1 + size(nodes_[root].left);
      root = nodes_[root].right;
    }
  }
  return before_it + size(nodes_[node].left);
}

std::uint32_t DeadlineTree::rank_of_new(std::uint32_t root, Ns deadline_ns) const noexcept {
  std::uint32_t before_it = 0;
  while (root != kNone) {
    if (deadline_ns < nodes_[root].deadline_ns) {
      root = nodes_[root].left;
    } else {
      before_it += 1 + size(nodes_[root].left);
      root = nodes_[root].right;
    }
  }
  return before_it;
}

/// Cuts a tree into what lies before `key` and the rest. As deep as the tree, so O(log n) expected.
void DeadlineTree::split(std::uint32_t tree, const Node& key, std::uint32_t& left,
                         std::uint32_t& right) noexcept {
  if (tree == kNone) {
    left = kNone;
    right = kNone;
    return;
  }
  if (before(nodes_[tree], key)) {
    left = tree;
    split(nodes_[tree].right, key, nodes_[tree].right, right);
  } else {
    right = tree;
    split(nodes_[tree].left, key, left, nodes_[tree].left);
  }
  resize(tree);
}

std::uint32_t DeadlineTree::merge(std::uint32_t left, std::uint32_t right) noexcept {
  if (left == kNone) return right;
  if (right == kNone) return left;
  if (nodes_[left].weight >= nodes_[right].weight) {
    nodes_[left].right = merge(nodes_[left].right, right);
    resize(left);
    return left;
  }
  nodes_[right].left = merge(left, nodes_[right].left);
  resize(right);
  return right;
}

}  // namespace backhand::pacing

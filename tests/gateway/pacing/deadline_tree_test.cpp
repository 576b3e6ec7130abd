// The treap against a sorted vector. If this fails, deadline order or predictions are wrong.
#include "gateway/pacing/deadline_tree.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "delays.hpp"

namespace backhand::pacing::test {
namespace {

TEST(DeadlineTreeProperty, IsASortedList) {
  EXPECT_TRUE(rc::check([] {
    constexpr std::uint32_t kNodes = 64;
    Random random(*rc::gen::arbitrary<std::uint64_t>());
    DeadlineTree tree(kNodes);
    std::uint32_t root = DeadlineTree::kNone;
    std::vector<std::pair<Ns, std::uint32_t>> list;  // Stable: equal deadlines in the order of coming.
    for (int i = 0; i < 400; ++i) {
      const auto node = static_cast<std::uint32_t>(random.below(kNodes));
      const auto found =
          std::find_if(list.begin(), list.end(), [node](const auto& entry) { return entry.second == node; });
      if (found != list.end()) {
        tree.erase(root, node);
        list.erase(found);
      } else {
        const auto deadline = static_cast<Ns>(random.below(20));
        const auto place = std::upper_bound(list.begin(), list.end(), deadline,
                                            [](Ns d, const auto& entry) { return d < entry.first; });
        RC_ASSERT(tree.rank_of_new(root, deadline) == static_cast<std::uint32_t>(place - list.begin()));
        list.insert(place, {deadline, node});
        tree.insert(root, node, deadline);
      }
      RC_ASSERT(tree.size(root) == list.size());
      RC_ASSERT(tree.first(root) == (list.empty() ? DeadlineTree::kNone : list.front().second));
      for (std::uint32_t r = 0; r < list.size(); ++r) RC_ASSERT(tree.rank(root, list[r].second) == r);
    }
  }));
}

}  // namespace
}  // namespace backhand::pacing::test

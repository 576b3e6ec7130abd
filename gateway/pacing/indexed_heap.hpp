// A binary min-heap of dense numbers by key, in which any number can be moved or removed. Memory is fixed at
// construction.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "common/assert.hpp"

namespace backhand::pacing {

template <typename Key>
class IndexedHeap {
 public:
  /// Holds numbers below `count`, each at most once.
  explicit IndexedHeap(std::uint32_t count) : places_(count, kAbsent) { items_.reserve(count); }

  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
  [[nodiscard]] bool holds(std::uint32_t number) const noexcept { return places_[number] != kAbsent; }
  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(items_.size()); }
  /// The number at one of size() places, in no order: to go through them all.
  [[nodiscard]] std::uint32_t number_at(std::uint32_t place) const noexcept { return items_[place].number; }
  [[nodiscard]] std::uint32_t top() const noexcept { return items_.front().number; }
  [[nodiscard]] const Key& top_key() const noexcept { return items_.front().key; }

  /// Adds the number, or gives it a new key.
  void put(std::uint32_t number, Key key) noexcept {
    std::uint32_t place = places_[number];
    if (place == kAbsent) {
      BH_ASSERT(items_.size() < places_.size());
      place = static_cast<std::uint32_t>(items_.size());
      items_.push_back({key, number});
      places_[number] = place;
      rise(place);
      return;
    }
    const bool smaller = key < items_[place].key;
    items_[place].key = key;
    if (smaller) {
      rise(place);
    } else {
      sink(place);
    }
  }

  /// Nothing where the number is not in it.
  void remove(std::uint32_t number) noexcept {
    const std::uint32_t place = places_[number];
    if (place == kAbsent) return;
    places_[number] = kAbsent;
    const Item last = items_.back();
    items_.pop_back();
    if (place == items_.size()) return;
    items_[place] = last;
    places_[last.number] = place;
    rise(place);
    sink(places_[last.number]);
  }

 private:
  static constexpr std::uint32_t kAbsent = UINT32_MAX;
  struct Item {
    Key key;
    std::uint32_t number;
  };

  void swap_places(std::uint32_t a, std::uint32_t b) noexcept {
    std::swap(items_[a], items_[b]);
    places_[items_[a].number] = a;
    places_[items_[b].number] = b;
  }
  void rise(std::uint32_t place) noexcept {
    while (place > 0) {
      const std::uint32_t parent = (place - 1) / 2;
      if (!(items_[place].key < items_[parent].key)) return;
      swap_places(place, parent);
      place = parent;
    }
  }
  void sink(std::uint32_t place) noexcept {
    const auto count = static_cast<std::uint32_t>(items_.size());
    for (;;) {
      std::uint32_t least = place;
      for (std::uint32_t child = 2 * place + 1; child <= 2 * place + 2 && child < count; ++child) {
        if (items_[child].key < items_[least].key) least = child;
      }
      if (least == place) return;
      swap_places(place, least);
      place = least;
    }
  }

  std::vector<Item> items_;
  std::vector<std::uint32_t> places_;
};

}  // namespace backhand::pacing

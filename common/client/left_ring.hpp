// The intent ring of an attachment that has ended: finds the intents that lie in it and that no gateway ever
// took. Polling thread. The pushing thread may still be in a push into this ring, so `collect` is called
// again until that thread has gone on to the next ring.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <utility>

#include "common/client/attach_call.hpp"
#include "common/wire/intent.hpp"
#include "common/wire/lane.hpp"

namespace backhand::client {

class LeftRing {
 public:
  LeftRing(std::shared_ptr<const Mapping> mapping, std::uint64_t generation)
      : mapping_(std::move(mapping)), generation_(generation) {}

  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

  /// No gateway takes from this ring any more: its process has ended, or the next attach was answered.
  void close() noexcept {
    if (closed_) return;
    closed_ = true;
    // Pairs with the release in RingConsumer::try_pop.
    head_ = mapping_->view.header->intent_head.position.load(std::memory_order_acquire);
    next_ = head_;
  }
  [[nodiscard]] bool closed() const noexcept { return closed_; }

  /// Calls `sink(const wire::Intent&)` for each intent that no gateway copied out of the closed ring, in the
  /// order of their pushes; each once.
  template <typename Sink>
  void collect(Sink&& sink) {
    for (wire::Intent intent; read(next_, intent); ++next_) sink(static_cast<const wire::Intent&>(intent));
  }
  /// The same for those that were copied and got no further before the gateway died: their ids are above the
  /// next gateway's taken mark and above all that there was an event of, `known` being the higher. Once, and
  /// only where the next gateway's journal continues the one before.
  template <typename Sink>
  void collect_copied(std::uint64_t known, Sink&& sink) const {
    const std::uint64_t capacity = mapping_->geometry.intent_capacity;
    wire::Intent intent;
    for (std::uint64_t p = head_ > capacity ? head_ - capacity : 0; p < head_; ++p) {
      if (read(p, intent) && intact(p) && intent.id > known) sink(static_cast<const wire::Intent&>(intent));
    }
  }

 private:
  using Words = wire::IntentSlot::Words;

  [[nodiscard]] const wire::IntentSlot& slot(std::uint64_t position) const noexcept {
    return mapping_->view.intents[position & (mapping_->geometry.intent_capacity - 1)];
  }
  /// False where nothing was pushed at `position`, or something newer lies there.
  [[nodiscard]] bool read(std::uint64_t position, wire::Intent& out) const noexcept {
    const wire::IntentSlot& from = slot(position);
    // Pairs with the release in RingProducer::try_push.
    if (from.sequence.load(std::memory_order_acquire) != position + 1) return false;
    Words words;
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = from.words[i].load(std::memory_order_relaxed);
    out = std::bit_cast<wire::Intent>(words);
    return true;
  }
  /// Whether what was just read at `position`, which the gateway had copied, cannot have been overwritten
  /// meanwhile: a push one lap later begins only after the push before it was published.
  [[nodiscard]] bool intact(std::uint64_t position) const noexcept {
    std::atomic_thread_fence(std::memory_order_acquire);
    const std::uint64_t before = position + mapping_->geometry.intent_capacity - 1;
    return slot(before).sequence.load(std::memory_order_relaxed) != before + 1;
  }

  std::shared_ptr<const Mapping> mapping_;
  std::uint64_t generation_;
  bool closed_ = false;
  std::uint64_t head_ = 0;  ///< With closed_: what lies before this position was copied.
  std::uint64_t next_ = 0;  ///< With closed_: the next position to look at.
};

}  // namespace backhand::client

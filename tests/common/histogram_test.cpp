#include "common/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace backhand {
namespace {

TEST(Histogram, EveryValueFallsIntoABucketThatNamesIt) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t value = random() >> (random() % 64);
    const std::size_t bucket = Histogram::bucket_of(value);
    ASSERT_LT(bucket, Histogram::kBuckets);
    ASSERT_LE(value, Histogram::last_of(bucket)) << value;
    if (bucket > 0) {
      ASSERT_GT(value, Histogram::last_of(bucket - 1)) << value;
    }
    ASSERT_LE(Histogram::last_of(bucket) - value, value >> Histogram::kBits) << value;
  }
}

TEST(Histogram, PercentilesAreThoseOfTheSortedValues) {
  auto histogram = std::make_unique<Histogram>();
  std::mt19937_64 random(11);
  std::lognormal_distribution<double> spread(8, 2);
  std::vector<std::uint64_t> all;
  for (int i = 0; i < 50'000; ++i) {
    all.push_back(static_cast<std::uint64_t>(spread(random)));
    histogram->record(static_cast<std::int64_t>(all.back()));
  }
  std::sort(all.begin(), all.end());
  for (const double fraction : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(all.size())));
    const std::uint64_t exact = all[rank == 0 ? 0 : rank - 1];
    const std::uint64_t told = histogram->percentile(fraction);
    EXPECT_GE(told, exact) << fraction;
    EXPECT_LE(told, exact + exact / 64 + 1) << fraction;
  }
  EXPECT_EQ(histogram->percentile(1.0), all.back());
  EXPECT_EQ(histogram->min(), all.front());
}

TEST(Histogram, MergingIsRecordingInOne) {
  auto one = std::make_unique<Histogram>();
  auto two = std::make_unique<Histogram>();
  auto both = std::make_unique<Histogram>();
  for (std::int64_t value = 0; value < 5'000; value += 3) {
    (value % 2 == 0 ? one : two)->record(value);
    both->record(value);
  }
  one->merge(*two);
  EXPECT_EQ(one->count(), both->count());
  EXPECT_EQ(one->sum(), both->sum());
  EXPECT_EQ(one->max(), both->max());
  for (const double fraction : {0.1, 0.5, 0.99})
    EXPECT_EQ(one->percentile(fraction), both->percentile(fraction));
}

TEST(Histogram, EmptyAnswersZeroAndNegativeCountsAsZero) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile(0.5), 0U);
  EXPECT_EQ(histogram.min(), 0U);
  histogram.record(-5);
  EXPECT_EQ(histogram.count(), 1U);
  EXPECT_EQ(histogram.max(), 0U);
  histogram.clear();
  EXPECT_EQ(histogram.count(), 0U);
}

}  // namespace
}  // namespace backhand

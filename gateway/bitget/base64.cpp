#include "gateway/bitget/base64.hpp"

#include <cstring>

#if defined(__x86_64__)
#include <tmmintrin.h>
#endif

namespace backhand::bitget {
namespace {

constexpr std::array<char, 65> kAlphabet = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};

#if defined(__x86_64__)
/// The first twelve bytes as sixteen letters (after Muła, "Base64 encoding with SIMD instructions").
[[gnu::target("ssse3")]] __m128i letters(__m128i bytes) noexcept {
  // Each three bytes into four, so that every six bits lie within one 16-bit lane; then shifted into place.
  const __m128i spread =
      _mm_shuffle_epi8(bytes, _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
  const __m128i even =
      _mm_mulhi_epu16(_mm_and_si128(spread, _mm_set1_epi32(0x0FC0'FC00)), _mm_set1_epi32(0x0400'0040));
  const __m128i odd =
      _mm_mullo_epi16(_mm_and_si128(spread, _mm_set1_epi32(0x003F'03F0)), _mm_set1_epi32(0x0100'0010));
  const __m128i six_bits = _mm_or_si128(even, odd);
  // Which run of the alphabet: 0 lower case, 1 … 10 digits, 11 '+', 12 '/', 13 upper case; then its distance.
  const __m128i upper = _mm_cmpgt_epi8(_mm_set1_epi8(26), six_bits);
  const __m128i run =
      _mm_or_si128(_mm_subs_epu8(six_bits, _mm_set1_epi8(51)), _mm_and_si128(upper, _mm_set1_epi8(13)));
  const __m128i distance =
      _mm_shuffle_epi8(_mm_setr_epi8(71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65, 0, 0), run);
  return _mm_add_epi8(distance, six_bits);
}

[[gnu::target("ssse3")]] void encode_ssse3(const std::array<std::uint8_t, 32>& digest, char* out) noexcept {
  const auto load = [&](std::size_t at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(digest.data() + at));
  };
  const auto store = [&](std::size_t at, __m128i text) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + at), text);
  };
  store(0, letters(load(0)));
  store(16, letters(load(12)));
  // The last eight bytes: eleven letters, of which the last has two bits that are zero.
  std::array<char, 16> last;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(last.data()), letters(_mm_srli_si128(load(16), 8)));
  last[11] = '=';
  std::memcpy(out + 32, last.data(), 12);
}

const bool kHasSsse3 = __builtin_cpu_supports("ssse3") != 0;
#endif

}  // namespace

void encode_base64_portable(const std::array<std::uint8_t, 32>& digest, char* out) noexcept {
  const auto letter = [](std::uint32_t bits) { return kAlphabet[bits & 63U]; };
  for (std::size_t i = 0; i < 30; i += 3, out += 4) {
    const std::uint32_t bits =
        std::uint32_t{digest[i]} << 16 | std::uint32_t{digest[i + 1]} << 8 | digest[i + 2];
    out[0] = letter(bits >> 18);
    out[1] = letter(bits >> 12);
    out[2] = letter(bits >> 6);
    out[3] = letter(bits);
  }
  const std::uint32_t bits = std::uint32_t{digest[30]} << 8 | digest[31];
  out[0] = letter(bits >> 10);
  out[1] = letter(bits >> 4);
  out[2] = letter(bits << 2);
  out[3] = '=';
}

void encode_base64(const std::array<std::uint8_t, 32>& digest, char* out) noexcept {
#if defined(__x86_64__)
  if (kHasSsse3) [[likely]] {
    encode_ssse3(digest, out);
    return;
  }
#endif
  encode_base64_portable(digest, out);
}

}  // namespace backhand::bitget

// Owning what a C library gives: std::unique_ptr<X509, Freer<X509_free>>.
#pragma once

namespace backhand {

/// Ends an object by the library's own function.
template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

}  // namespace backhand

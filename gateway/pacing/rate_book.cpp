#include "gateway/pacing/rate_book.hpp"

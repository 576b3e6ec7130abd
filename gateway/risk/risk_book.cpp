#include "gateway/risk/risk_book.hpp"

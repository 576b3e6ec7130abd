#include "gateway/pacing/budget.hpp"

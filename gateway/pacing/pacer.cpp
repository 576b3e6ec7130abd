#include "gateway/pacing/pacer.hpp"

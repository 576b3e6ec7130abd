#include "gateway/pacing/scheduler.hpp"

#include "gateway/pacing/waiting_room.hpp"

#include "gateway/pacing/deadline_tree.hpp"

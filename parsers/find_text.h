#pragma once

#include <cstddef>
#include <string_view>

namespace runnerwatch {

// As text.find(what, from), for short texts: find() stops at each letter that `what` begins with,
// and the C library's search takes its time to get ready. `what` is not empty.
std::size_t find_text(std::string_view text, std::string_view what, std::size_t from = 0);

}  // namespace runnerwatch

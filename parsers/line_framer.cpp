#include "parsers/line_framer.h"

namespace runnerwatch {

void LineFramer::clear() {
    rest_.clear();
    rest_bytes_ = 0;
}

std::string_view LineFramer::without_return(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

void LineFramer::keep(std::string_view bytes) {
    rest_bytes_ += bytes.size();
    rest_.append(bytes.substr(0, line_bytes_max - rest_.size()));
}

}  // namespace runnerwatch

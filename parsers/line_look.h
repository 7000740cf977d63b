#pragma once

#include "parsers/line_envelope.h"
#include "parsers/line_prefix.h"
#include "parsers/line_shape.h"
#include "parsers/timestamp.h"

#include <optional>
#include <string_view>

namespace runnerwatch {

// A line as it shows itself, with whatever a collector puts around it. Refers to the line.
struct LineLook {
    PrefixedLine prefix;
    EnvelopedLine envelope;
    std::string_view text;  // without either
    std::string_view pod, container;
    std::optional<Timestamp> time;
    LineShape shape;
    bool whole = true;  // one line of the program, not hidden
};

// `look` is overwritten; kept between lines for its memory.
void look_at_line(std::string_view line, LineLook& look);

}  // namespace runnerwatch

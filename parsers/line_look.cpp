#include "parsers/line_look.h"

#include "parsers/line_unwrapper.h"

namespace runnerwatch {

void look_at_line(std::string_view line, LineLook& look) {
    look.prefix = split_prefix(line);
    look.text = look.prefix.text;
    look.pod = look.prefix.pod;
    look.container = look.prefix.container;
    look.time = look.prefix.time;
    look.whole = !LineUnwrapper::hides_text(look.prefix);
    if (open_envelope(look.text, look.envelope)) {
        look.text = look.envelope.text;
        if (!look.envelope.pod.empty()) look.pod = look.envelope.pod;
        if (!look.envelope.container.empty()) look.container = look.envelope.container;
        if (look.envelope.time) look.time = look.envelope.time;
        look.whole = look.whole && look.text.find('\n') == std::string_view::npos;
    }
    look.shape = shape_of_line(look.text);
}

}  // namespace runnerwatch

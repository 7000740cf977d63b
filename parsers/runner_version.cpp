#include "parsers/runner_version.h"

namespace runnerwatch {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string version_in_image(std::string_view image) {
    image = image.substr(0, image.find('@'));
    const std::size_t colon = image.rfind(':');
    // The colon of "registry:5000/name" is no tag's.
    if (colon == image.npos || image.find('/', colon) != image.npos) return {};
    const std::string_view tag = image.substr(colon + 1);
    for (std::size_t at = 0; at < tag.size(); ++at) {
        const bool begins = at == 0 || tag[at - 1] == '-' || tag[at - 1] == 'v';
        if (!begins || !is_digit(tag[at])) continue;
        std::size_t end = at;
        bool dotted = false;
        while (end < tag.size() && (is_digit(tag[end]) || tag[end] == '.')) {
            dotted = dotted || tag[end] == '.';
            ++end;
        }
        if (!dotted) {  // "alpine3-v17.5.0", a date
            at = end;
            continue;
        }
        // "alpine3.19-v17.5.0": the one that is called v is the runner's.
        const bool named = at > 0 && tag[at - 1] == 'v';
        if (named || tag.find("v", end) == tag.npos) return std::string(tag.substr(at, end - at));
        at = end;
    }
    return {};
}

}  // namespace runnerwatch

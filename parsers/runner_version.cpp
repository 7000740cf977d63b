#include "parsers/runner_version.h"

#include <algorithm>

namespace runnerwatch {

namespace {

constexpr std::size_t version_bytes_max = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "17.5.0", "18.0.0~pre.123.gabcdef12": it becomes a facet and part of addresses.
bool is_version(std::string_view text) {
    constexpr std::string_view others = ".~+-_";
    return !text.empty() && text.size() <= version_bytes_max && is_digit(text[0]) &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      others.find(c) != others.npos;
           });
}

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

std::string version_in_start(const Record& record) {
    if (record.message != "Runtime platform") return {};
    const std::string* version = record.field("version");
    return version != nullptr && is_version(*version) ? *version : std::string();
}

}  // namespace runnerwatch

#include "daemon/lines_before.h"

#include "parsers/find_text.h"
#include "parsers/visible_text.h"

#include <utility>

namespace runnerwatch {

void LinesBefore::add(std::uint64_t number, std::string_view text) {
    if (!newer_.lines.empty() && newer_.taken() + text.size() + sizeof(Line) > bytes_max / 2) {
        look_for_keys();
        std::swap(newer_, older_);
        if (newer_.bytes.capacity() > bytes_max) newer_ = {};  // a long line had been in it
        newer_.bytes.clear();
        newer_.lines.clear();
        looked_at_ = 0;
    }
    newer_.lines.push_back({number, static_cast<std::uint32_t>(newer_.bytes.size()),
                            static_cast<std::uint32_t>(text.size()), false});
    newer_.bytes += text;
}

// Lines of a key are exchanged for what may be shown of them.
void LinesBefore::look_for_keys() {
    constexpr std::string_view says_key = "PRIVATE KEY";
    if (looked_at_ == newer_.lines.size()) return;
    const auto first = std::exchange(looked_at_, newer_.lines.size());
    const std::size_t from = newer_.lines[first].begin;
    if (!keys_.inside_key() && find_text(newer_.bytes, says_key, from) == std::string::npos) return;
    const std::string unknown = newer_.bytes.substr(from);
    newer_.bytes.resize(from);
    for (std::size_t i = first; i < newer_.lines.size(); ++i) {
        Line& line = newer_.lines[i];
        const auto text = std::string_view(unknown).substr(line.begin - from, line.size);
        line.redacted = keys_.inside_key() || find_text(text, says_key) != text.npos;
        line.begin = static_cast<std::uint32_t>(newer_.bytes.size());
        newer_.bytes += line.redacted ? keys_.line(text) : std::string(text);
        line.size = static_cast<std::uint32_t>(newer_.bytes.size()) - line.begin;
    }
}

void LinesBefore::forget_from(std::uint64_t number) {
    look_for_keys();
    for (Part* part : {&newer_, &older_})
        while (!part->lines.empty() && part->lines.back().number >= number) {
            part->bytes.resize(part->lines.back().begin);
            part->lines.pop_back();
        }
    looked_at_ = newer_.lines.size();
}

std::string LinesBefore::before(std::uint64_t number) {
    look_for_keys();
    std::string shown;
    std::size_t count = 0;
    for (const Part* part : {&newer_, &older_})
        for (auto line = part->lines.rbegin(); line != part->lines.rend() && count < shown_max;
             ++line) {
            if (line->number >= number) continue;
            const std::string_view text = part->text(*line);
            shown = shortened(line->redacted ? std::string(text) : redact(text), shown_bytes_max) +
                    (count == 0 ? "" : "\n") + shown;
            ++count;
        }
    return shown;
}

const std::string* LinesBefore::last_of_key() {
    look_for_keys();
    const Part& part = newer_.lines.empty() ? older_ : newer_;
    if (part.lines.empty() || !part.lines.back().redacted) return nullptr;
    last_ = part.text(part.lines.back());
    return &last_;
}

}  // namespace runnerwatch

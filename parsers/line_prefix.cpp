#include "parsers/line_prefix.h"

#include <array>
#include <cstdint>

#include "parsers/line_shape.h"
#include "parsers/prefix_words.h"
#include "parsers/syslog_prefix.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace runnerwatch {
namespace {

constexpr auto npos = std::string_view::npos;

// "[pod/NAME/CONTAINER] "
bool take_kubectl(PrefixedLine& line) {
    std::string_view rest = line.text;
    if (!take(rest, "[pod/")) return false;
    const std::string_view pod = take_name(rest);
    if (pod.empty() || !take(rest, "/")) return false;
    const std::string_view container = take_name(rest);
    if (container.empty() || !take(rest, "]") || !take_blank(rest)) return false;
    line.pod = pod;
    line.container = container;
    line.text = rest;
    return true;
}

// stern in colours: two or, with all namespaces, three names, each between colour codes.
bool take_coloured_stern(PrefixedLine& line) {
    std::string_view rest = line.text, names[3];
    std::size_t count = 0;
    while (count < 3) {
        std::string_view next = rest;
        if (!take_colour(next)) break;
        const std::string_view name = take_name(next);
        if (name.empty() || !take_colour(next)) break;
        while (take_colour(next)) {
        }
        if (!take_blank(next)) break;
        names[count++] = name;
        rest = next;
    }
    if (count < 2) return false;
    line.pod = names[count - 2];
    line.container = names[count - 1];
    line.text = rest;
    return true;
}

// stern without colours: only where the pod's name can be nothing else.
bool take_stern(PrefixedLine& line) {
    std::string_view rest = line.text;
    std::string_view pod = take_name(rest);
    for (int namespaces = 0; namespaces < 2; ++namespaces) {
        if (pod.empty() || !take(rest, " ")) return false;
        const std::string_view next = take_name(rest);
        if (next.empty()) return false;
        // a StatefulSet's "gitlab-runner-0" is known by its container "gitlab-runner"
        const std::string_view ordinal =
            pod.starts_with(next) ? pod.substr(next.size()) : std::string_view();
        const bool stateful = ordinal.size() > 1 && ordinal.front() == '-' &&
                              ordinal.find_first_not_of("0123456789", 1) == npos;
        if (stateful || has_generated_ending(pod)) {
            if (!take_blank(rest)) return false;
            line.pod = pod;
            line.container = next;
            line.text = rest;
            return true;
        }
        pod = next;
    }
    return false;
}

// docker compose: "name-1  | ". It pads names to one width, so a name without a number is one
// only when it is padded or coloured; "this | that" is text.
bool take_compose(PrefixedLine& line) {
    std::string_view rest = line.text;
    const bool coloured = take_colour(rest);
    const std::string_view name = take_name(rest);
    if (name.size() < 2) return false;
    const std::size_t blanks = std::min(rest.find_first_not_of(' '), rest.size());
    const std::size_t digits_at = name.find_last_not_of("0123456789");
    const bool numbered = digits_at != npos && digits_at + 1 < name.size() &&
                          (name[digits_at] == '-' || name[digits_at] == '_');
    if (blanks < (numbered || coloured ? 1u : 2u)) return false;
    rest.remove_prefix(blanks);
    if (!take(rest, "|")) return false;
    if (coloured) {
        // the reset stands before or behind the blank; it must not be mistaken for the text's own
        const bool blank = take(rest, " ");
        if (!take_colour(rest) || !(blank || take_blank(rest))) return false;
    } else if (!take_blank(rest)) {
        return false;
    }
    line.pod = name;
    line.text = rest;
    return true;
}

// grep: "FILE:" or, with -n, "FILE:12:" and "12:". A name is one when it ends as logs do.
bool take_grep(PrefixedLine& line) {
    static constexpr std::string_view endings[] = {".log", ".txt", ".out", ".gz", ".zst", ".json"};
    std::string_view rest = line.text;
    if (const std::size_t colon = rest.substr(0, 256).find(':'); colon != npos && colon > 0) {
        std::string_view name = rest.substr(0, colon);
        if (name.find_first_of(" \"=\x1b") != npos) return false;
        // "runner.log.1", "runner.log-20261124"
        const std::size_t bare = name.find_last_not_of("0123456789");
        if (bare != npos && bare + 1 < name.size() && (name[bare] == '.' || name[bare] == '-'))
            name = name.substr(0, bare);
        const bool is_file = std::any_of(std::begin(endings), std::end(endings), [&](auto ending) {
            return name.size() > ending.size() && name.ends_with(ending);
        });
        std::string_view number = rest;
        if (is_file) {
            rest.remove_prefix(colon + 1);
            number = rest;
            if (take_digits(number, 10) && take(number, ":")) rest = number;
        } else if (take_digits(number, 10) && take(number, ":")) {
            // "12:" alone, but never the clock of a time
            if (number.empty() || (number.front() >= '0' && number.front() <= '9')) return false;
            rest = number;
        } else {
            return false;
        }
        // "config.json: broken" and "404: not found" are sentences; the runner indents by two.
        if (rest.starts_with(' ') && !rest.starts_with("  ")) return false;
        line.text = rest;
        return true;
    }
    return false;
}

}  // namespace

PrefixedLine split_prefix(std::string_view text) {
    PrefixedLine line;
    line.text = text;
    bool named = false, syslog = false, grep = false;
    const auto once = [&line](bool& taken, const auto& take) {
        if (taken) return false;
        taken = take(line);
        return taken;
    };
    const auto take_plain_name = [](PrefixedLine& rest) {
        return take_kubectl(rest) || take_coloured_stern(rest) || take_compose(rest);
    };
    // A coloured level, which no collector writes, is where most lines begin.
    const auto begins_record = [&line] {
        const RunnerStart start = runner_start(line.text);
        return start.coloured && start.level >= Level::warning;
    };
    while (!begins_record() &&
           (once(named, take_plain_name) || take_time(line) || once(syslog, take_syslog) ||
            once(grep, take_grep) || once(named, take_stern))) {
    }
    return line;
}

bool begins_as_sentence(std::string_view text) {
    // 1: a letter; 2: what a word may hold besides
    static constexpr auto kinds = [] {
        std::array<std::uint8_t, 256> table{};
        for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = 1;
        table['.'] = 2;
        return table;
    }();
    const auto kind = [&](std::size_t at) { return kinds[static_cast<unsigned char>(text[at])]; };
    std::size_t at = 0;
    for (int words = 0; words < 2; ++words, ++at) {
        if (at == text.size() || kind(at) != 1) return false;
        while (at < text.size() && kind(at) != 0) ++at;
        if (at == text.size() || text[at] != ' ') return false;
    }
    return true;
}

}  // namespace runnerwatch

// The samples of a rule file.
#include "parsers/rule_reader.h"

#include <algorithm>

namespace runnerwatch {
namespace {

const std::vector<std::string> format_words{"runner", "text", "json"};

std::optional<std::string> format_from(std::string_view word) {
    const auto found = std::find(format_words.begin(), format_words.end(), word);
    if (found == format_words.end()) return std::nullopt;
    return *found;
}

// Escapes are kept readable in rule files as U+241B; YAML's own "\e" gives the byte itself.
std::string with_escapes(std::string text) {
    const std::string_view picture = "\u241b";
    for (std::size_t at = text.find(picture); at != text.npos; at = text.find(picture, at))
        text.replace(at, picture.size(), "\x1b");
    return text;
}

enum class SampleKind { detect, ignore, recover };

Sample read_sample(const YAML::Node& node, SampleKind kind, const std::string& place,
                   YamlFaults& faults) {
    Sample sample;
    sample.line = line_of(node);
    if (node.IsScalar()) {
        sample.text = with_escapes(node.Scalar());
        return sample;
    }
    YamlMap map(node, place, faults);
    sample.text = with_escapes(map.required_text("text"));
    sample.format = map.word("format", format_from, format_words).value_or("");
    if (kind == SampleKind::detect) {
        map.each_text("captures", [&](const std::string& name, const std::string& value, int) {
            sample.captures[name] = value;
        });
        sample.cause = map.text("cause");
    }
    if (kind == SampleKind::ignore) sample.by = map.text("by");
    map.finish();
    return sample;
}

Story read_story(const YAML::Node& node, const std::string& place, YamlFaults& faults) {
    YamlMap map(node, place, faults);
    Story story;
    story.line = line_of(node);
    story.name = map.required_text("name");
    map.each("lines", [&](const YAML::Node& item, const std::string& line_place) {
        YamlMap line(item, place + "." + line_place, faults);
        if (!line.has("at"))
            line.fault(line_of(item), line.place() + ": 'at' is missing, like 0s or 1m30s");
        const Duration at = line.duration("at").value_or(Duration::zero());
        if (!story.lines.empty() && at < story.lines.back().at)
            line.fault(line.line("at"), line.place() +
                                            ": 'at' goes back in time; lines stand in "
                                            "the order in which they are written");
        story.lines.push_back({at, with_escapes(line.required_text("text"))});
        line.finish();
    });
    if (story.lines.empty())
        map.fault(map.line("lines"), place + ": 'lines' is missing: a story needs some");
    if (const auto expect = map.child("expect")) {
        YamlMap expected(*expect, place + ".expect", faults);
        const auto flag = [&](const std::string& key) {
            const bool value = expected.flag(key);
            return expected.has(key) ? std::optional(value) : std::nullopt;
        };
        story.open = flag("open");
        story.resolved = flag("resolved");
        const int count = expected.number("count", 0);
        if (expected.has("count")) story.count = count;
        expected.finish();
    }
    if (!story.open && !story.resolved && !story.count)
        map.fault(map.line("expect"), place +
                                          ": 'expect' is missing: say 'open', 'resolved' or "
                                          "'count' at the story's end");
    map.finish();
    return story;
}

}  // namespace

void read_samples(const YAML::Node& node, Rule& rule, YamlFaults& faults) {
    YamlMap map(node, "samples", faults);
    const auto into = [&](std::vector<Sample>& samples, SampleKind kind) {
        return [&samples, &faults, kind](const YAML::Node& item, const std::string& place) {
            samples.push_back(read_sample(item, kind, "samples." + place, faults));
        };
    };
    map.each("detect", into(rule.sample_detect, SampleKind::detect));
    map.each("ignore", into(rule.sample_ignore, SampleKind::ignore));
    if (rule.sample_detect.empty())
        map.fault(line_of(node), "samples: 'detect' is missing: a rule shows what it recognises");
    if (!rule.notice) {
        map.each("recover", into(rule.sample_recover, SampleKind::recover));
        map.each("stories", [&](const YAML::Node& item, const std::string& place) {
            rule.stories.push_back(read_story(item, "samples." + place, faults));
        });
        if (!rule.recover.empty() && rule.sample_recover.empty())
            map.fault(line_of(node),
                      "samples: 'recover' is missing, but the rule has recovery lines");
    }
    map.finish();
}

}  // namespace runnerwatch

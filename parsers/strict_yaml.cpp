#include "parsers/strict_yaml.h"

#include "parsers/yaml_documents.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>

namespace runnerwatch {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row.back();
}

const char* kind_of(const YAML::Node& node) {
    if (node.IsMap()) return "a mapping";
    if (node.IsSequence()) return "a list";
    if (node.IsScalar()) return "a text";
    return "nothing";
}

}  // namespace

std::optional<YAML::Node> parse_yaml(const std::string& text, YamlFaults& faults) {
    try {
        const YamlDocuments documents = read_yaml_documents(text);
        if (documents.count == 1) return documents.first;
        faults.push_back({1, documents.count == 0 ? "the file is empty"
                                                  : "the file has several documents ('---')"});
    } catch (const YAML::Exception& error) {
        faults.push_back({error.mark.line + 1, "not YAML: " + error.msg});
    }
    return std::nullopt;
}

int line_of(const YAML::Node& node) { return node.Mark().line + 1; }

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
    constexpr std::size_t word_length_max = 64;  // what is longer is no slip of the pen
    constexpr std::size_t listed_max = 40;       // nobody reads a longer list
    std::string list, nearest;
    std::size_t least = std::max<std::size_t>(word.size() / 3, 1) + 1;
    for (const std::string& candidate : known) {
        list += (list.empty() ? "" : ", ") + candidate;
        if (word.size() > word_length_max) continue;
        if (const std::size_t distance = edit_distance(word, candidate); distance < least) {
            least = distance;
            nearest = candidate;
        }
    }
    if (!nearest.empty()) return "; did you mean '" + nearest + "'?";
    return list.empty() || known.size() > listed_max ? "" : "; known are: " + list;
}

YamlMap::YamlMap(const YAML::Node& node, std::string place, YamlFaults& faults)
    : place_(std::move(place)), line_(line_of(node)), faults_(faults) {
    if (!node.IsMap()) {
        fault(line_, place_ + " must be a mapping (key: value), but is " + kind_of(node));
        return;
    }
    for (const auto& entry : node) {
        const YAML::Node key = entry.first;
        const int line = line_of(key);
        if (!key.IsScalar()) {
            fault(line, place_ + ": a key must be a text");
        } else if (find(key.Scalar()) != nullptr) {
            fault(line, place_ + ": '" + key.Scalar() + "' is given twice");
        } else {
            entries_.push_back({key.Scalar(), line, entry.second});
        }
    }
}

const YamlMap::Entry* YamlMap::find(const std::string& key) const {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return entry.key == key; });
    return found == entries_.end() ? nullptr : &*found;
}

std::optional<YAML::Node> YamlMap::child(const std::string& key) {
    known_.push_back(key);
    const Entry* entry = find(key);
    if (entry == nullptr) return std::nullopt;
    return entry->value;
}

bool YamlMap::has(const std::string& key) const { return find(key) != nullptr; }

int YamlMap::line(const std::string& key) const {
    const Entry* entry = find(key);
    return entry == nullptr ? line_ : entry->line;
}

std::vector<std::string> YamlMap::keys() const {
    std::vector<std::string> keys;
    for (const Entry& entry : entries_) keys.push_back(entry.key);
    return keys;
}

std::optional<std::string> YamlMap::scalar(const std::string& key) {
    const auto value = child(key);
    if (!value) return std::nullopt;
    if (value->IsScalar()) return value->Scalar();
    fault(line(key), place_ + ": '" + key + "' must be a text, but is " + kind_of(*value));
    return std::nullopt;
}

std::string YamlMap::text(const std::string& key) { return scalar(key).value_or(""); }

std::string YamlMap::required_text(const std::string& key) {
    const std::optional<std::string> found = scalar(key);
    if (!has(key)) {
        fault(line_, place_ + ": '" + key + "' is missing");
    } else if (found && found->empty()) {
        fault(line(key), place_ + ": '" + key + "' is empty");
    }
    return found.value_or("");
}

int YamlMap::number(const std::string& key, int fallback) {
    return whole_number(key, fallback, 0, " of at least 0");
}

int YamlMap::signed_number(const std::string& key, int fallback) {
    return whole_number(key, fallback, std::numeric_limits<int>::min(), "");
}

int YamlMap::whole_number(const std::string& key, int fallback, int min, const char* bound) {
    const std::optional<std::string> digits = scalar(key);
    if (!digits) return fallback;
    int value = 0;
    const char* end = digits->data() + digits->size();
    const auto [rest, error] = std::from_chars(digits->data(), end, value);
    if (error == std::errc() && rest == end && value >= min) return value;
    fault(line(key),
          place_ + ": '" + key + "' must be a whole number" + bound + ", but is '" + *digits + "'");
    return fallback;
}

bool YamlMap::flag(const std::string& key) {
    const std::optional<std::string> found = scalar(key);
    if (found && found != "true" && found != "false")
        fault(line(key), place_ + ": '" + key + "' must be true or false, but is '" + *found + "'");
    return found == "true";
}

std::optional<Duration> YamlMap::duration(const std::string& key) {
    const std::optional<std::string> found = scalar(key);
    if (!found) return std::nullopt;
    const std::optional<Duration> value = parse_duration(*found);
    if (!value || *value < Duration::zero())
        fault(line(key), place_ + ": '" + key + "' must be a duration like 90s, 5m or 1h30m, " +
                             "but is '" + *found + "'");
    return value;
}

std::optional<YAML::Node> YamlMap::sequence(const std::string& key) {
    auto value = child(key);
    if (!value || value->IsSequence()) return value;
    fault(line(key), place_ + ": '" + key + "' must be a list, but is " + kind_of(*value));
    return std::nullopt;
}

std::vector<std::string> YamlMap::texts(const std::string& key) {
    std::vector<std::string> found;
    each(key, [&](const YAML::Node& item, const std::string& place) {
        if (item.IsScalar()) {
            found.push_back(item.Scalar());
        } else {
            fault(line_of(item), place + " must be a text, but is " + kind_of(item));
        }
    });
    return found;
}

void YamlMap::finish() {
    for (const Entry& entry : entries_)
        if (std::find(known_.begin(), known_.end(), entry.key) == known_.end())
            fault(entry.line,
                  place_ + ": unknown key '" + entry.key + "'" + suggestion(entry.key, known_));
}

}  // namespace runnerwatch

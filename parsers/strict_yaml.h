#pragma once

#include "parsers/timestamp.h"

#include <yaml-cpp/yaml.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// What is wrong with a YAML text. `line` from 1.
struct YamlFault {
    int line = 0;
    std::string what;
};
using YamlFaults = std::vector<YamlFault>;

// The only document of a YAML text; nothing, and a fault, when it cannot be read.
std::optional<YAML::Node> parse_yaml(const std::string& text, YamlFaults& faults);

// Where a node begins, from 1.
int line_of(const YAML::Node& node);

// "; did you mean 'x'?" when one of the known words is near, else "; known are: x, y" unless they
// are very many.
std::string suggestion(std::string_view word, const std::vector<std::string>& known);

// A mapping of a YAML document, read strictly: every value that is asked for is checked, and what
// nobody asked for is a fault. Faults are appended; after one, a value like an absent one is
// returned, so that all of them are found in one pass. `place` is how messages call the mapping.
class YamlMap {
public:
    YamlMap(const YAML::Node& node, std::string place, YamlFaults& faults);

    bool has(const std::string& key) const;
    // The value's line, or the mapping's when the key is absent.
    int line(const std::string& key) const;

    std::string text(const std::string& key);           // empty when absent
    std::string required_text(const std::string& key);  // absent or empty is a fault
    int number(const std::string& key, int fallback);   // not negative
    int signed_number(const std::string& key, int fallback);
    bool flag(const std::string& key);  // false when absent
    std::optional<Duration> duration(const std::string& key);
    std::vector<std::string> texts(const std::string& key);  // a list of texts
    // The key's value, checked by the caller; nothing when absent.
    std::optional<YAML::Node> child(const std::string& key);

    // One of a fixed set of words; nothing when absent.
    template <class T>
    std::optional<T> word(const std::string& key, std::optional<T> (*parse)(std::string_view),
                          const std::vector<std::string>& words) {
        const std::string found = text(key);
        if (found.empty()) return std::nullopt;
        std::optional<T> value = parse(found);
        if (!value)
            fault(line(key), place_ + ": '" + found + "' is no " + key + suggestion(found, words));
        return value;
    }

    // Calls item(const YAML::Node&, const std::string& place) for each item of a list.
    template <class Item>
    void each(const std::string& key, Item&& item) {
        const std::optional<YAML::Node> list = sequence(key);
        if (!list) return;
        int index = 0;
        for (const YAML::Node& node : *list) item(node, key + "[" + std::to_string(index++) + "]");
    }

    // Calls entry(const std::string& name, const std::string& text, int line) for each entry of a
    // mapping of texts.
    template <class Entry>
    void each_text(const std::string& key, Entry&& entry) {
        const std::optional<YAML::Node> node = child(key);
        if (!node) return;
        YamlMap map(*node, key, faults_);
        for (const std::string& name : map.keys()) entry(name, map.text(name), map.line(name));
    }

    // The keys in the order of the file.
    std::vector<std::string> keys() const;

    void fault(int line, std::string what) { faults_.push_back({line, std::move(what)}); }
    const std::string& place() const { return place_; }

    // Reports the keys that nobody asked for. To be called last.
    void finish();

private:
    struct Entry {
        std::string key;
        int line;
        YAML::Node value;
    };

    int whole_number(const std::string& key, int fallback, int min, const char* bound);
    std::optional<std::string> scalar(const std::string& key);
    std::optional<YAML::Node> sequence(const std::string& key);
    const Entry* find(const std::string& key) const;

    std::string place_;
    int line_;
    YamlFaults& faults_;
    std::vector<Entry> entries_;
    std::vector<std::string> known_;  // every key asked for
};

}  // namespace runnerwatch

#include "daemon/config_reader.h"

#include "daemon/config_values.h"

#include <algorithm>
#include <cassert>

namespace runnerwatch {

namespace {

int line_of(const YAML::Mark& mark) { return std::max(mark.line, 0) + 1; }

std::string quoted(const std::string& text) { return '"' + text + '"'; }

const char* kind_of(const YAML::Node& node) {
    if (node.IsMap()) return "a mapping (key: value)";
    if (node.IsSequence()) return "a list";
    return node.IsNull() ? "empty" : "a single value";
}

bool is_variable_name(std::string_view name) {
    const auto letter = [](char c) {
        return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    };
    return !name.empty() && letter(name.front()) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

std::string listed(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) text += i + 1 == words.size() ? " and " : ", ";
        text += quoted(words[i]);
    }
    return text;
}

std::string suggestion(const std::string& word, const std::vector<std::string>& known) {
    if (const auto close = nearest(word, known)) return " Did you mean " + quoted(*close) + "?";
    return known.empty()
               ? ""
               : " There " + std::string(known.size() == 1 ? "is " : "are ") + listed(known) + ".";
}

ConfigReader::ConfigReader(std::string file_name, const Environment& environment)
    : file_name_(std::move(file_name)), environment_(environment) {}

void ConfigReader::error(const YAML::Mark& where, const std::string& path,
                         const std::string& what) {
    const int line = line_of(where);
    std::string text = file_name_ + ":" + std::to_string(line) + ": ";
    if (!path.empty()) text += path + ": ";
    errors_.emplace(line, ConfigError{text + what});
}

std::vector<ConfigError> ConfigReader::take_errors() {
    std::vector<ConfigError> errors;
    for (auto& [line, error] : errors_) errors.push_back(std::move(error));
    errors_.clear();
    return errors;
}

std::optional<std::string> ConfigReader::text(const YAML::Node& node, const std::string& path) {
    if (node.IsScalar()) return substitute(node, path);
    error(node.Mark(), path,
          "this is " + std::string(kind_of(node)) +
              ", but a single value is needed. Write one, without keys or a list below it.");
    return std::nullopt;
}

// Messages name variables, never their values: they may be secrets.
std::optional<std::string> ConfigReader::substitute(const YAML::Node& node,
                                                    const std::string& path) {
    const std::string& written = node.Scalar();
    std::string result;
    std::size_t at = 0;
    while (true) {
        const std::size_t dollar = written.find("${", at);
        result.append(written, at, dollar - at);
        if (dollar == std::string::npos) return result;
        if (dollar > at && written[dollar - 1] == '$') {  // "$${" is the text "${"
            result += '{';
            at = dollar + 2;
            continue;
        }
        const std::size_t end = written.find('}', dollar);
        const std::string name =
            end == std::string::npos ? "" : written.substr(dollar + 2, end - dollar - 2);
        if (!is_variable_name(name)) {
            error(node.Mark(), path,
                  "\"${\" begins the name of an environment variable, but none follows. Write "
                  "${NAME}, or $${ for the text ${ itself.");
            return std::nullopt;
        }
        const auto variable = std::find_if(environment_.begin(), environment_.end(),
                                           [&](const auto& entry) { return entry.first == name; });
        if (variable == environment_.end()) {
            error(node.Mark(), path,
                  "the environment variable " + name + " is not set, so ${" + name +
                      "} has no value. Set it where runnerwatch is started, or write the value "
                      "here.");
            return std::nullopt;
        }
        result += variable->second;
        at = end + 1;
    }
}

ConfigNode::ConfigNode(ConfigReader& reader, const YAML::Node& node, const std::string& section,
                       std::string path)
    : reader_(&reader), path_(std::move(path)), mark_(node.Mark()) {
    const auto& sections = config_sections();
    const auto found = std::find_if(sections.begin(), sections.end(),
                                    [&](const auto& entry) { return entry.path == section; });
    assert(found != sections.end());
    section_ = &*found;
    if (node.IsMap())
        read_keys(node);
    else if (!node.IsNull())
        error("this is " + std::string(kind_of(node)) + ", but a mapping is needed, with " +
              listed(section_->keys) + ".");
}

void ConfigNode::read_keys(const YAML::Node& node) {
    for (const auto& entry : node) {
        const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
        const YAML::Mark where = entry.first.Mark();
        const auto& keys = section_->keys;
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
            reader_->error(where, path_,
                           "unknown key " + quoted(key) + "." + suggestion(key, keys));
        } else if (const auto [first, fresh] = values_.emplace(key, entry.second); !fresh) {
            reader_->error(where, path_,
                           "the key " + quoted(key) + " stands here a second time (first in line " +
                               std::to_string(line_of(first->second.Mark())) +
                               "), and only one of the two can hold. Remove one.");
        }
    }
}

YAML::Node ConfigNode::find(const std::string& key) const {
    assert(std::find(section_->keys.begin(), section_->keys.end(), key) != section_->keys.end());
    const auto value = values_.find(key);
    return value == values_.end() ? YAML::Node() : value->second;
}

bool ConfigNode::has(const std::string& key) const { return !find(key).IsNull(); }

std::string ConfigNode::path_of(const std::string& key) const {
    return path_.empty() ? key : path_ + "." + key;
}

std::string ConfigNode::indexed(const std::string& key, std::size_t index) const {
    return path_of(key) + "[" + std::to_string(index) + "]";
}

void ConfigNode::error(const std::string& key, const std::string& what) {
    reader_->error(has(key) ? find(key).Mark() : mark_, path_of(key), what);
}

void ConfigNode::error(const std::string& what) { reader_->error(mark_, path_, what); }

void ConfigNode::text(const std::string& key, std::string& into) {
    if (!has(key)) return;
    const auto value = reader_->text(find(key), path_of(key));
    if (!value) return;
    if (value->empty())
        error(key, "the value is empty, and nothing follows from that. Remove the key or fill it.");
    else
        into = *value;
}

std::vector<YAML::Node> ConfigNode::items(const std::string& key) {
    std::vector<YAML::Node> nodes;
    if (!has(key)) return nodes;
    const YAML::Node list = find(key);
    if (!list.IsSequence()) {
        error(key, "this is " + std::string(kind_of(list)) +
                       ", but a list is needed. Write one "
                       "entry a line, each behind \"- \".");
        return nodes;
    }
    for (const auto& node : list) nodes.push_back(node);
    return nodes;
}

void ConfigNode::texts(const std::string& key, std::vector<std::string>& into) {
    std::vector<std::string> values;
    for (const auto& node : items(key)) {
        const std::string path = indexed(key, values.size());
        values.push_back(reader_->text(node, path).value_or(""));
        if (node.IsScalar() && node.Scalar().empty())
            reader_->error(node.Mark(), path, "the value is empty. Remove it or fill it.");
    }
    if (has(key)) into = std::move(values);
}

void ConfigNode::check_url(const YAML::Node& node, const std::string& path,
                           const std::string& url) {
    if (const auto fault = url_fault(url))
        reader_->error(node.Mark(), path,
                       "this is no URL that can be posted to: " + *fault +
                           ". Write it whole, as in https://HOST/PATH. (It may hold a secret, so "
                           "it is not repeated here.)");
}

void ConfigNode::url(const std::string& key, std::string& into) {
    if (!has(key)) return;
    const auto value = reader_->text(find(key), path_of(key));
    if (!value) return;
    check_url(find(key), path_of(key), *value);
    into = *value;
}

void ConfigNode::urls(const std::string& key, std::vector<std::string>& into) {
    into.clear();
    for (const auto& node : items(key)) {
        const std::string path = indexed(key, into.size());
        into.push_back("");
        if (const auto value = reader_->text(node, path)) {
            check_url(node, path, *value);
            into.back() = *value;
        }
    }
}

void ConfigNode::yes_or_no(const std::string& key, bool& into) {
    if (!has(key)) return;
    const auto value = reader_->text(find(key), path_of(key));
    if (value && *value != "true" && *value != "false")
        error(key, quoted(find(key).Scalar()) + " is neither true nor false. Write one of them.");
    else if (value)
        into = *value == "true";
}

void ConfigNode::size(const std::string& key, std::uint64_t& into) {
    if (!has(key)) return;
    const auto value = reader_->text(find(key), path_of(key));
    if (!value) return;
    if (const auto bytes = parse_size(*value))
        into = *bytes;
    else
        error(key, quoted(find(key).Scalar()) +
                       " is not a size: a whole number and a unit are needed, within 64 bits. "
                       "Write, for example, 2GiB or 500MB.");
}

void ConfigNode::duration(const std::string& key, Duration& into, Zero zero) {
    if (!has(key)) return;
    const auto value = reader_->text(find(key), path_of(key));
    if (!value) return;
    const auto parsed = parse_duration(*value);
    if (!parsed || *parsed < Duration(0))
        error(key, quoted(find(key).Scalar()) +
                       " is not a duration: numbers with units (s, m, h, d) are needed. Write, "
                       "for example, 30s, 1h30m or 180d.");
    else if (*parsed == Duration(0) && zero == Zero::refused)
        error(key, "the duration is 0, but time must pass here. Write, for example, 30s or 4h.");
    else
        into = *parsed;
}

void ConfigNode::address(const std::string& key, std::string& into) {
    if (!has(key)) return;
    const auto value = reader_->text(find(key), path_of(key));
    if (!value) return;
    if (parse_listen_address(*value))
        into = *value;
    else
        error(key, quoted(find(key).Scalar()) +
                       " is not an address to listen on: an IP address (a name is not looked up) "
                       "and a port are "
                       "needed. Write, for example, 127.0.0.1:8090, [::1]:8090 or :8090 (all "
                       "addresses).");
}

void ConfigNode::text_lists(const std::string& key,
                            std::map<std::string, std::vector<std::string>>& into) {
    if (!has(key)) return;
    const YAML::Node node = find(key);
    if (!node.IsMap()) {
        error(key, "this is " + std::string(kind_of(node)) +
                       ", but a mapping is needed. Write, for example, {severity: critical}.");
        return;
    }
    for (const auto& entry : node) {
        const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
        const std::string path = path_of(key) + "." + name;
        std::vector<std::string>& values = into[name];
        if (!entry.second.IsSequence()) {
            values.push_back(reader_->text(entry.second, path).value_or(""));
            continue;
        }
        for (const auto& value : entry.second)
            values.push_back(reader_->text(value, path).value_or(""));
    }
}

ConfigNode ConfigNode::map(const std::string& key, const std::string& section) {
    return ConfigNode(*reader_, find(key), section, path_of(key));
}

std::vector<ConfigNode> ConfigNode::maps(const std::string& key, const std::string& section) {
    std::vector<ConfigNode> maps;
    for (const auto& node : items(key))
        maps.emplace_back(*reader_, node, section, indexed(key, maps.size()));
    return maps;
}

}  // namespace runnerwatch

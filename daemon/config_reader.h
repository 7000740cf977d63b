#pragma once

#include "daemon/config.h"

#include <yaml-cpp/yaml.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace runnerwatch {

// Collects what is wrong with a configuration, and replaces "${NAME}".
class ConfigReader {
public:
    using Environment = std::vector<std::pair<std::string, std::string>>;

    // `environment` must outlive the reader.
    ConfigReader(std::string file_name, const Environment& environment);

    void error(const YAML::Mark& where, const std::string& path, const std::string& what);

    // The text of a scalar with its variables replaced. Anything else is an error.
    std::optional<std::string> text(const YAML::Node& node, const std::string& path);

    bool failed() const { return !errors_.empty(); }
    std::vector<ConfigError> take_errors();  // in the order of the file

private:
    std::optional<std::string> substitute(const YAML::Node& node, const std::string& path);

    std::string file_name_;
    const Environment& environment_;
    std::multimap<int, ConfigError> errors_;  // by line
};

// One mapping of the file. Reading a key that is absent leaves the target as it is; one that is
// wrong is an error of the reader and leaves it too.
class ConfigNode {
public:
    // `section`: which keys there are, a path of config_sections(). `path`: how messages name it.
    ConfigNode(ConfigReader& reader, const YAML::Node& node, const std::string& section,
               std::string path);

    bool has(const std::string& key) const;
    const std::string& path() const { return path_; }

    void text(const std::string& key, std::string& into);  // not empty
    void texts(const std::string& key, std::vector<std::string>& into);
    void url(const std::string& key, std::string& into);
    void urls(const std::string& key, std::vector<std::string>& into);
    void yes_or_no(const std::string& key, bool& into);
    void size(const std::string& key, std::uint64_t& into);
    void address(const std::string& key, std::string& into);
    enum class Zero { allowed, refused };
    void duration(const std::string& key, Duration& into, Zero zero = Zero::refused);
    // A mapping with names of the operator's: name -> values. One value may stand without a list.
    void text_lists(const std::string& key, std::map<std::string, std::vector<std::string>>& into);

    ConfigNode map(const std::string& key, const std::string& section);
    std::vector<ConfigNode> maps(const std::string& key, const std::string& section);

    // Something is wrong with the value of `key`, or, where it is absent, with this mapping.
    void error(const std::string& key, const std::string& what);
    void error(const std::string& what);

private:
    YAML::Node find(const std::string& key) const;  // null when absent
    std::string path_of(const std::string& key) const;
    std::string indexed(const std::string& key, std::size_t index) const;
    void read_keys(const YAML::Node& node);
    std::vector<YAML::Node> items(const std::string& key);
    void check_url(const YAML::Node& node, const std::string& path, const std::string& url);

    ConfigReader* reader_;
    const ConfigSection* section_;
    std::string path_;
    YAML::Mark mark_;
    std::map<std::string, YAML::Node> values_;
};

// "a", "b" and "c"
std::string listed(const std::vector<std::string>& words);

// ` Did you mean "storage"?`, or what there is to choose from.
std::string suggestion(const std::string& word, const std::vector<std::string>& known);

}  // namespace runnerwatch

#pragma once

#include <yaml-cpp/yaml.h>
#include <string>

namespace runnerwatch {

struct YamlDocuments {
    YAML::Node first;   // null when there is none
    int count = 0;      // 2: there are more than one
    YAML::Mark second;  // where it begins
};

// What a text that should hold one document holds. Throws YAML::Exception. Takes time and memory by
// the size of the text, where YAML::LoadAll() of yaml-cpp 0.7 does not end: of some texts, as with
// a NUL in a key, its parser gives documents for ever without reading on.
YamlDocuments read_yaml_documents(const std::string& text);

}  // namespace runnerwatch

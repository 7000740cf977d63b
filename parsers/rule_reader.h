#pragma once

#include "parsers/rule.h"
#include "parsers/strict_yaml.h"

#include <string>
#include <vector>

// The parts of a rule file, read strictly: for the rule loader and nobody else. Each takes a node,
// how messages call it, and appends what is wrong with it.
namespace runnerwatch {

// A pattern that RE2 takes. `from` is the map whose key holds it.
std::string read_pattern(YamlMap& from, const std::string& key);

// Words joined by '-'.
std::string read_id(YamlMap& from);

// A range of runner versions; empty when absent.
std::string read_versions(YamlMap& from, const std::string& key);

// One condition, or a list of conditions that must all hold.
std::vector<Condition> read_conditions(const YAML::Node& node, const std::string& place,
                                       YamlFaults& faults);

Detect read_detect(const YAML::Node& node, const std::string& place, YamlFaults& faults);
Recovery read_recovery(const YAML::Node& node, const std::string& place, YamlFaults& faults);
Opening read_opening(const YAML::Node& node, YamlFaults& faults);
Wording read_wording(const YAML::Node& node, const std::string& place, YamlFaults& faults);
Cause read_cause(const YAML::Node& node, const std::string& place, YamlFaults& faults);
Fix read_fix(const YAML::Node& node, const std::string& place, YamlFaults& faults);
Runbook read_runbook(const YAML::Node& node, YamlFaults& faults);

// The samples of `rule`, whose other parts have been read.
void read_samples(const YAML::Node& node, Rule& rule, YamlFaults& faults);

}  // namespace runnerwatch

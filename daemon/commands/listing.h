#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What commands list, in the ways scripts and people ask for.
namespace runnerwatch {

enum class ListFormat { table, json, yaml, markdown };
std::optional<ListFormat> list_format_from(std::string_view word);

// A list of things of one kind. A row is an object; the columns say which of its members stand in
// a table, in which order; JSON and YAML hold the whole objects.
struct Listing {
    struct Column {
        std::string key, heading;
    };
    std::vector<Column> columns;
    std::vector<nlohmann::ordered_json> rows;
};

// With a newline at its end. A table of no rows is its headings.
std::string rendered(const Listing& listing, ListFormat format);

// One document, as indented JSON or as YAML.
std::string json_text(const nlohmann::ordered_json& document);
std::string yaml_text(const nlohmann::ordered_json& document);

}  // namespace runnerwatch
